// Light and dark: what the reader chose, or else what the system has.

function storedTheme() {
  try {
    return localStorage.getItem("asr-theme");
  } catch {
    return null; // some browsers keep nothing for files
  }
}

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
}

/** Makes the button that changes the theme; ``redraw`` paints again what has colours of its own. */
function themeButton(redraw = () => {}) {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const current = () => document.documentElement.dataset.theme;
  const button = h("button", { type: "button", name: "theme", click: () => {
    apply(current() === "dark" ? "light" : "dark");
    try {
      localStorage.setItem("asr-theme", current());
    } catch {
      // without storage, the choice holds until the page is closed
    }
  } });
  const apply = (theme) => {
    setTheme(theme);
    button.textContent = theme === "dark" ? "Light" : "Dark";
    button.setAttribute("aria-label", `Use the ${theme === "dark" ? "light" : "dark"} theme`);
    redraw();
  };
  system.addEventListener("change", () => { if (!storedTheme()) apply(system.matches ? "dark" : "light"); });
  return { button, start: () => apply(storedTheme() ?? (system.matches ? "dark" : "light")) };
}

setTheme(storedTheme() ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light"));
