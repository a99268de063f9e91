// Scrolls a case's slices, for all arms together, and says where a table has more columns than are in view. Without this
// script each case shows the slice with most of the reference.
"use strict";
(() => {
  for (const bar of document.querySelectorAll(".slices")) {
    const slider = bar.querySelector("input");
    const said = bar.querySelector("output");
    const names = slider.dataset.slices.split(" ");
    const layers = [...bar.parentElement.querySelectorAll(".slice")];
    slider.addEventListener("input", () => {
      const words = `slice ${names[slider.value]}`;
      for (const layer of layers) layer.classList.toggle("on", layer.dataset.at === slider.value);
      slider.setAttribute("aria-valuetext", words);
      said.textContent = words;
    });
    bar.hidden = false;
  }
  for (const sheet of document.querySelectorAll(".scroll")) {
    const hint = document.createElement("p");
    hint.className = "hint";
    hint.setAttribute("aria-hidden", "true");
    hint.textContent = "scroll for more columns \u2192";
    sheet.before(hint);
    const look = () => {
      const more = sheet.scrollLeft + sheet.clientWidth < sheet.scrollWidth - 2;
      hint.classList.toggle("on", more);
      sheet.classList.toggle("more", more);
    };
    sheet.addEventListener("scroll", look, { passive: true });
    new ResizeObserver(look).observe(sheet);
  }
})();
