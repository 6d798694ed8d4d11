// What the theme leaves to the mouse.
(() => {
  // Code that is wider than its box is scrolled by the keyboard too.
  const look = () => {
    for (const box of document.querySelectorAll("article pre, .table-wrapper, .picture")) {
      if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
      else box.removeAttribute("tabindex");
    }
  };

  // On a small screen a label opens the menu, and another the contents of the page.
  const names = { __navigation: "All pages", __toc: "On this page" };
  const makeButtons = () => {
    for (const label of document.querySelectorAll("label[for]:not(.overlay)")) {
      const box = document.getElementById(label.htmlFor);
      if (!(label.htmlFor in names)) continue;
      const button = document.createElement("button");
      button.className = label.className;
      button.append(...label.childNodes);
      button.setAttribute("aria-label", names[label.htmlFor]);
      const tell = () => button.setAttribute("aria-expanded", String(box.checked));
      tell();
      box.addEventListener("change", tell);
      button.addEventListener("click", () => box.click());
      label.replaceWith(button);
    }
    document.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      for (const name of Object.keys(names)) {
        const box = document.getElementById(name);
        if (box.checked) box.click();
      }
    });
  };

  // A picture that moves can be stopped, and waits for those who want no motion.
  const makeStill = () => {
    for (const film of document.querySelectorAll('article img[src$=".webp"]')) {
      const still = document.createElement("canvas");
      still.setAttribute("role", "img");
      still.setAttribute("aria-label", film.alt);
      const button = document.createElement("button");
      button.className = "film";
      const show = (moving) => {
        still.width = film.naturalWidth;
        still.height = film.naturalHeight;
        still.getContext("2d").drawImage(film, 0, 0);
        film.hidden = !moving;
        still.hidden = moving;
        button.textContent = moving ? "Stop the picture" : "Play the picture";
      };
      button.addEventListener("click", () => show(film.hidden));
      film.after(still, button);
      film.decode().then(() => show(!matchMedia("(prefers-reduced-motion: reduce)").matches));
    }
  };

  window.addEventListener("DOMContentLoaded", () => {
    makeButtons();
    makeStill();
    look();
  });
  window.addEventListener("resize", look);
  document.addEventListener("toggle", look, true); // what was folded has a width now
})();
