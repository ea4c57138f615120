/**
 * The page's script. A figure that can tell of its points is drawn anew by Vega when it is first pointed at, from the
 * specification in the page, and shows then what is under the pointer. Vega is one file beside the page, loaded once.
 */
export const LIVE_SCRIPT = `
"use strict";
(() => {
  const box = document.getElementById("pointed");
  let loading;
  const loadVega = () => loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = "vega.js";
    script.onload = () => resolve(globalThis.vega);
    script.onerror = reject;
    document.head.append(script);
  });
  const show = (handler, event, item, value) => {
    if (value === null || value === undefined || value === "") {
      box.hidden = true;
      return;
    }
    box.replaceChildren();
    for (const [name, text] of Object.entries(value)) {
      const line = document.createElement("div");
      line.textContent = name + ": " + text;
      box.append(line);
    }
    box.hidden = false;
    const { width, height } = box.getBoundingClientRect();
    const left = Math.min(event.clientX + 12, document.documentElement.clientWidth - width - 8);
    const below = event.clientY + 16;
    const top = below + height > innerHeight ? event.clientY - height - 10 : below;
    box.style.left = Math.max(8, left) + "px";
    box.style.top = Math.max(8, top) + "px";
  };
  const animate = async (picture) => {
    const spec = JSON.parse(picture.querySelector("script").textContent);
    const vega = await loadVega();
    const place = document.createElement("div");
    const view = new vega.View(vega.parse(spec), { renderer: "svg", tooltip: show });
    await view.initialize(place).runAsync();
    const svg = place.querySelector("svg");
    const image = picture.querySelector("img");
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", image.alt);
    image.replaceWith(svg);
    picture.dataset.live = "drawn";
  };
  for (const picture of document.querySelectorAll("[data-live]")) {
    picture.addEventListener("pointerenter", () => animate(picture), { once: true });
    picture.addEventListener("pointerleave", () => box.hidden = true);
  }
})();
`;
