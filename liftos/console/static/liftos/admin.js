// Makes the theme's pointer-only controls usable by keyboard: adds a role, a tab stop and aria-expanded. A menu opened by key
// gets the focus; Escape closes it and returns the focus.
"use strict";

(function () {
  const PRESSABLE = "a[href], a[role=button], button, input:not([type=hidden]), select, textarea, summary, label";
  const OPENS = /^\s*(\w+) = (?:!\1|true)/;
  const CHOOSES_THEME = /(?:switchTheme\(|adminTheme = )'(\w+)'/;
  // labels of controls that show only an icon
  const NAMES = { dock_to_right: "Sidebar", close: "Close the sidebar", computer: "Theme", dark_mode: "Theme", light_mode: "Theme", search: "Search" };
  const FRAMES = 30;

  function focusFirst(menu, frames) {
    const first = Array.from(menu.querySelectorAll(PRESSABLE)).find((each) => each.checkVisibility());
    if (first) {
      first.focus();
    } else if (frames > 0) {
      // the menu becomes visible a frame or two after opening
      requestAnimationFrame(() => focusFirst(menu, frames - 1));
    }
  }

  function makeOpener(element, name) {
    const state = Alpine.$data(element);
    const root = element.closest("[x-data]");
    const menu = root.querySelector('[x-show="' + name + '"]');
    Alpine.effect(() => element.setAttribute("aria-expanded", String(Boolean(state[name]))));
    if (!menu) {
      return null;
    }
    root.addEventListener("keydown", function (event) {
      if (event.key === "Escape" && state[name]) {
        state[name] = false;
        element.focus();
      }
    });
    menu.addEventListener("focusout", function (event) {
      if (event.relatedTarget && !root.contains(event.relatedTarget)) {
        state[name] = false;
      }
    });
    return () => state[name] && focusFirst(menu, FRAMES);
  }

  function makePressable(element) {
    const does = element.getAttribute("x-on:click");
    if (element.matches(PRESSABLE) || !element.textContent.trim()) {
      return;
    }
    element.setAttribute("role", "button");
    element.tabIndex = 0;
    const opens = OPENS.exec(does);
    const theme = CHOOSES_THEME.exec(does);
    const opened = opens ? makeOpener(element, opens[1]) : null;
    if (theme) {
      const state = Alpine.$data(element);
      Alpine.effect(() => element.setAttribute("aria-pressed", String(state.adminTheme === theme[1])));
    }
    element.addEventListener("keydown", function (event) {
      if (event.target === element && (event.key === "Enter" || event.key === " ")) {
        event.preventDefault();
        element.click();
        if (opened) {
          opened();
        }
      }
    });
  }

  // An icon is a word in an icon font, which a screen reader would read aloud.
  function silence(icon) {
    const control = icon.closest("a, button, [role=button]");
    const word = icon.textContent.trim();
    if (control && control.textContent.trim() === word && !control.title && !control.hasAttribute("aria-label")) {
      control.setAttribute("aria-label", NAMES[word] || word.replaceAll("_", " "));
    }
    const titled = icon.closest("[title]");
    if (!control && titled && titled.textContent.trim() === word) {
      titled.setAttribute("role", "img");
      titled.setAttribute("aria-label", titled.title);
    }
    if (icon !== control && icon !== titled) {
      icon.setAttribute("aria-hidden", "true");
    }
  }

  document.addEventListener("alpine:initialized", function () {
    document.querySelectorAll("[x-on\\:click]").forEach(makePressable);
    document.querySelectorAll(".material-symbols-outlined").forEach(silence);
    // created by Django's scripts with a label but without a role
    window.addEventListener("load", () => setTimeout(() => document.querySelectorAll(".help-tooltip[aria-label]").forEach((each) => each.setAttribute("role", "img"))));
    document.querySelectorAll("#nav-sidebar-apps a.active").forEach((each) => each.setAttribute("aria-current", "page"));
    const content = document.getElementById("content");
    if (content) {
      content.setAttribute("role", "main");
      content.tabIndex = -1;
    }
  });
})();
