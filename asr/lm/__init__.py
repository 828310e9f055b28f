"""Language models: n-grams and recurrent networks, estimated, stored, and measured."""
