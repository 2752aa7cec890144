// Draws the charts. Their colours are CSS variables: when the scheme changes, there is nothing to do here.
"use strict";

(async () => {
  const { config, charts } = JSON.parse(document.getElementById("charts").textContent);
  const options = {
    config,
    mode: "vega-lite",
    renderer: "svg",
    actions: false,
    defaultStyle: false,
    tooltip: { disableDefaultStyle: true, offsetX: 12, offsetY: 12 },
  };
  const root = document.documentElement;
  for (const [place, specification] of Object.entries(charts)) {
    const element = document.getElementById(place);
    await vegaEmbed(element, specification, options);
    element.setAttribute("aria-busy", "false");
  }
  root.dataset.drawn = "all";
})();
