"""The vanilla recurrent cell (Elman 1990)."""
