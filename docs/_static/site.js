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

  window.addEventListener("DOMContentLoaded", () => {
    makeButtons();
    look();
  });
  window.addEventListener("resize", look);
  document.addEventListener("toggle", look, true); // what was folded has a width now
})();
