// Scrolls a case's slices, for all arms together. Without this script each case shows the slice with most of the
// reference.
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
})();
