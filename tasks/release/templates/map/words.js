// What the map shows, in words: its legend, and what lies at a point of it.

const number = new Intl.NumberFormat("en").format;
const length = (metres) => (metres >= 1000 ? `${metres / 1000} km` : `${metres} m`);
const clock = (hour) => `${String(hour).padStart(2, "0")}:00`;
const plural = (count, words) => (count === 1 ? words.replace(/s\b/, "") : words);

function showLegend() {
  const title = document.getElementById("map-key");
  const { words } = FACTS.layers[view.layer];
  const noun = words.split(" ")[0];
  title.textContent = view.layer === "flows"
    ? `${words[0].toUpperCase()}${words.slice(1)} between places ${length(view.placeSize)} wide`
    : `${noun[0].toUpperCase()}${noun.slice(1)} that ${words.split(" ")[1]} in a cell of `
      + `${length(view.cellSize)}`;
  const isDrawn = ({ words: label }) => view.layer !== "flows" || label !== "1";
  const items = view.classes.filter(isDrawn).map(({ colour, words: label }) => {
    const item = document.createElement("li"), swatch = document.createElement("span");
    swatch.className = `swatch b${colour}`;
    item.append(swatch, label);
    return item;
  });
  document.getElementById("map-ramp").replaceChildren(...items);
  document.getElementById("map-flows").hidden = view.layer !== "flows";
  if (view.layer !== "flows") return;
  const { inside } = view.counted, drawn = view.flows.length;
  document.getElementById("map-flows").textContent = `Each flow is wide where it starts and pointed `
    + `where it ends. The ${number(drawn)} busiest in view are drawn, none of a single trip. `
    + `${number(inside)} ${plural(inside, words)} begin and end in one place.`;
}

function say(text) {
  document.getElementById("map-said").textContent = text;
}

/** Say what lies at a point of the map, in pixels, and mark it. */
function read(x, y) {
  const { latitude, longitude } = view.degrees(x, y);
  const { south, west, north, east } = view.box;
  view.marked = null;
  if (latitude < south || latitude > north || longitude < west || longitude > east) {
    say("Outside the service area.");
  } else if (view.layer === "flows") {
    readFlow(x, y);
  } else {
    readCell(x, y, latitude, longitude);
  }
  view.draw();
}

function readCell(x, y, latitude, longitude) {
  const size = view.cellSize, { columns, counts } = view.counted;
  const [east, south] = view.transform.invert([x, y]);
  const column = Math.floor(east / size), row = Math.floor(south / size);
  const [left, top] = view.transform.apply([column * size, row * size]);
  const count = counts.get(row * columns + column) || 0;
  const { words } = FACTS.layers[view.layer];
  const [noun, verb] = words.split(" ");
  const said = count === 1 ? `1 ${plural(1, noun)} ${verb}s` : `${number(count)} ${words}`;
  const square = view.hour === null
    ? squareAt(view.layer, view.area, { latitude, longitude }) : null;
  view.marked = {
    cell: { left, top, side: size * view.transform.k }, squares: square ? [square] : [],
  };
  const around = square ? ` In the dashed square the true number is ${between(square)}.` : "";
  say(`${said} in this cell of ${length(size)}, at ${degrees(latitude, "NS")}, `
    + `${degrees(longitude, "EW")}.${around}`);
}

function readFlow(x, y) {
  const { words } = FACTS.layers.flows;
  const isAt = (place) => {
    const [left, top] = view.transform.apply([place.x, place.y]);
    return Math.hypot(left - x, top - y) < PLACE_PIXELS / 2;
  };
  const leaving = view.flows.filter(({ from }) => isAt(from));
  const coming = view.flows.filter(({ to }) => isAt(to));
  const busiest = view.flows.find(({ from, to }) => isAt(from) || isAt(to));
  const flow = busiest || view.flowAt(x, y);
  if (!flow) {
    say("No busy flow begins, ends or passes here.");
    return;
  }
  const [start, end] = [flow.from, flow.to]
    .map((place) => view.degrees(...view.transform.apply([place.x, place.y])));
  const known = view.hour === null ? flowBetween(view.area, start, end) : null;
  view.marked = { flow, squares: known ? [known.from, known.to] : [] };
  const [away, here] = [leaving, coming].map((flows) => sum(flows.map(({ count }) => count)));
  const counted = `${number(flow.count)} ${plural(flow.count, words)}`;
  const said = busiest
    ? `Of the flows drawn, ${number(away)} ${plural(away, words)} leave here and ${number(here)} `
      + `arrive. The busiest has ${counted}.`
    : `This flow has ${counted}.`;
  const around = known
    ? ` From one dashed square to the other go ${number(known.trips)}; the true number is `
      + `${between(known)}.` : "";
  say(`${said}${around}`);
}

/** An interval of a true number. */
function between({ low, high }) {
  const [least, most] = [low, high].map((end) => number(Math.round(end)));
  return `between ${least} and ${most} in 90 of 100 cases`;
}

function readMiddle() {
  read(view.width / 2, view.height / 2);
}

function degrees(value, [positive, negative]) {
  return `${Math.abs(value).toFixed(4)}° ${value < 0 ? negative : positive}`;
}
