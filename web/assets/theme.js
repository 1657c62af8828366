// Dark or light. A classic script that runs before the page is painted, so that nobody who chose
// a theme sees the other one flash; the button comes once the document is there.

(() => {
  const KEY = 'theme';
  const THEMES = ['auto', 'light', 'dark'];
  const root = document.documentElement;

  // Storage may be forbidden; the choice then lasts as long as the page.
  const stored = () => {
    try {
      return localStorage.getItem(KEY);
    } catch {
      return null;
    }
  };
  const store = (theme) => {
    try {
      localStorage.setItem(KEY, theme);
    } catch {
      return;
    }
  };

  const known = THEMES.includes(stored()) ? stored() : 'auto';
  root.dataset.theme = known;

  document.addEventListener('DOMContentLoaded', () => {
    const button = document.getElementById('theme');
    const show = () => {
      button.textContent = `Theme: ${root.dataset.theme}`;
    };
    button.addEventListener('click', () => {
      root.dataset.theme = THEMES[(THEMES.indexOf(root.dataset.theme) + 1) % THEMES.length];
      store(root.dataset.theme);
      show();
    });
    show();
    button.hidden = false;
  });
})();
