// The map put together: it is moved, and its controls are heard.

const PAN_PIXELS = 80;
const CLOSEST = 0.6; // pixels per metre

const stage = document.getElementById("map-stage");
const view = new View(document.getElementById("map-canvas"));
const duration = () => (matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 250);
// A wheel and a single finger move the page until the map is chosen, so that nobody is caught in it.
const isForTheMap = (event) => {
  const isChosen = stage.matches(":focus");
  if (event.type === "wheel") return isChosen || event.ctrlKey || event.metaKey;
  if (event.touches) return isChosen || event.touches.length > 1;
  return !event.button;
};

const zoom = d3.zoom()
  .filter(isForTheMap)
  .extent(() => [[0, 0], [view.width, view.height]])
  .on("zoom", ({ transform }) => {
    view.transform = transform;
    view.marked = null;
    show();
  })
  .on("end", () => { if (stage.matches(":focus-visible")) readMiddle(); });
const selection = d3.select(stage).call(zoom);
const moved = () => (duration() ? selection.transition().duration(duration()) : selection);

/** The transform that shows a rectangle in metres. */
function showing([left, top, right, bottom]) {
  const room = 22;
  const k = Math.min((view.width - 2 * room) / (right - left),
    (view.height - 2 * room) / (bottom - top), CLOSEST);
  return d3.zoomIdentity
    .translate(view.width / 2 - ((left + right) / 2) * k, view.height / 2 - ((top + bottom) / 2) * k)
    .scale(k);
}

const whole = () => showing([0, 0, view.box.width_m, view.box.height_m]);
const home = () => showing(middleOfRows(view.area));

/** Go to the first view of an area: where most of its rows are. */
function begin() {
  const { width_m, height_m } = view.box;
  zoom.scaleExtent([whole().k * 0.8, Math.max(CLOSEST, whole().k)])
    .translateExtent([[-0.5 * width_m, -0.5 * height_m], [1.5 * width_m, 1.5 * height_m]]);
  zoom.transform(selection, home());
}

/** After the map's size changed: the first view if that was seen, else the same middle. */
function resize() {
  const wasHome = !view.width || view.transform.toString() === home().toString();
  const middle = view.transform.invert([view.width / 2, view.height / 2]);
  const { k } = view.transform;
  view.resize();
  begin();
  if (wasHome) return;
  zoom.scaleTo(selection, k);
  zoom.translateTo(selection, ...middle);
}

function show() {
  view.draw();
  showLegend();
}

function showAll() {
  const layer = FACTS.layers[view.layer];
  const rows = countRows(layer, view.area, view.hour);
  const when = view.hour === null ? "All day" : `${clock(view.hour)} to ${clock(view.hour + 1)}`;
  const noun = view.layer === "flows" ? layer.words : layer.words.split(" ")[0];
  const isSample = layer.drawn < layer.all;
  const said = `${when}: ${number(rows)} ${plural(rows, noun)}${isSample ? " drawn" : ""}`;
  hours.show(layer.rows[view.area], said);
  const sampled = document.getElementById("map-sampled");
  sampled.hidden = !isSample;
  sampled.textContent = `The map draws ${number(layer.drawn)} of ${number(layer.all)} rows, chosen at `
    + `equal steps through the published order: each stands for ${(layer.all / layer.drawn).toFixed(1)}.`;
  show();
}

const hours = new Hours((hour) => {
  view.hour = hour;
  view.marked = null;
  showAll();
});

const KEYS = {
  ArrowLeft: () => zoom.translateBy(moved(), PAN_PIXELS / view.transform.k, 0),
  ArrowRight: () => zoom.translateBy(moved(), -PAN_PIXELS / view.transform.k, 0),
  ArrowUp: () => zoom.translateBy(moved(), 0, PAN_PIXELS / view.transform.k),
  ArrowDown: () => zoom.translateBy(moved(), 0, -PAN_PIXELS / view.transform.k),
  "+": () => zoom.scaleBy(moved(), 1.6),
  "=": () => zoom.scaleBy(moved(), 1.6),
  "-": () => zoom.scaleBy(moved(), 1 / 1.6),
  0: () => zoom.transform(moved(), home()),
};

stage.addEventListener("keydown", (event) => {
  const act = KEYS[event.key];
  if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  act();
});
stage.addEventListener("pointermove", (event) => {
  if (event.buttons) return;
  const { left, top } = stage.getBoundingClientRect();
  read(event.clientX - left, event.clientY - top);
});
stage.addEventListener("click", (event) => {
  const { left, top } = stage.getBoundingClientRect();
  read(event.clientX - left, event.clientY - top);
});
stage.addEventListener("pointerleave", () => {
  view.marked = null;
  view.draw();
});
const BUTTONS = {
  "map-closer": KEYS["+"],
  "map-further": KEYS["-"],
  "map-whole": () => zoom.transform(moved(), whole()),
  "map-home": KEYS[0],
};
for (const [id, act] of Object.entries(BUTTONS)) {
  document.getElementById(id).addEventListener("click", act);
}
for (const choice of document.querySelectorAll("input[name=map-layer]")) {
  choice.addEventListener("change", () => {
    view.layer = choice.value;
    view.marked = null;
    showAll();
  });
}
const areas = document.getElementById("map-area");
if (areas) {
  areas.addEventListener("change", () => {
    view.area = Number(areas.value);
    begin();
    showAll();
  });
}

const still = document.getElementById("still");
addEventListener("beforeprint", () => { still.open = true; });
addEventListener("afterprint", () => { still.open = false; });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", showAll);
new ResizeObserver(() => {
  resize();
  showAll();
  performance.mark("map-drawn");
}).observe(stage);
still.open = false;
document.documentElement.classList.add("drawn");
