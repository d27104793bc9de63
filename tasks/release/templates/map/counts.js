// Rows per cell, flows between places, and the classes that give them colours.

const NICE = [1, 2, 5].flatMap((digit) => [10, 100, 1000, 10000].map((power) => digit * power))
  .sort((a, b) => a - b);
const FINEST_M = 50;
const FLOWS = 150;
const DOUBLING = [1, 2, 4, 8, 16, 32, 64];
const TRIPLING = [1, 3, 10, 30, 100, 300, 1000];

/** The smallest of 50, 100, 200, 500, ... metres that is not under a length. */
function niceMetres(least) {
  return NICE.find((metres) => metres >= FINEST_M && metres >= least) || NICE[NICE.length - 1];
}

/** The classes of counts up to `most`: of each its least count, its colour (0 to 6), its words. */
function classesUpTo(most) {
  const steps = most < 2 * DOUBLING[6] ? DOUBLING : TRIPLING;
  const bounds = steps.filter((bound) => bound <= Math.max(most, 1));
  const step = Math.min(6 / Math.max(bounds.length - 1, 1), 2);
  return bounds.map((bound, i) => ({
    bound,
    colour: Math.round(i * step),
    words: i === bounds.length - 1 ? `${bound} or more`
      : bounds[i + 1] === bound + 1 ? `${bound}` : `${bound} to ${bounds[i + 1] - 1}`,
  }));
}

function classOf(classes, count) {
  let found = classes[0];
  for (const each of classes) if (count >= each.bound) found = each;
  return found;
}

/** Number of a cell in a grid of squares that covers an area from its north-west corner. */
function grid(area, size) {
  const { width_m, height_m } = FACTS.areas[area];
  const columns = Math.ceil(width_m / size), rows = Math.ceil(height_m / size);
  const at = (x, y) =>
    Math.min(Math.floor(y / size), rows - 1) * columns + Math.min(Math.floor(x / size), columns - 1);
  return { columns, rows, at };
}

const addOne = (counts, key) => counts.set(key, (counts.get(key) || 0) + 1);

/** Rows of a layer in the cells that have any: `counts` by the number of the cell. */
const countCells = remembering((name, area, hour, size) => {
  const { columns, at } = grid(area, size);
  const [{ x, y }] = positionsOf(FACTS.layers[name], area, hour);
  const counts = new Map();
  for (let i = 0; i < x.length; i++) addOne(counts, at(x[i], y[i]));
  let most = 0;
  for (const count of counts.values()) most = Math.max(most, count);
  return { columns, counts, most };
});

/** Flows between places, largest first: `from` and `to`, each the middle of its rows, `count`. */
const countFlows = remembering((area, hour, size) => {
  const { columns, rows, at } = grid(area, size);
  const [origin, destination] = positionsOf(FACTS.layers.flows, area, hour);
  const places = new Map();
  const meet = (x, y) => {
    const index = at(x, y);
    const place = places.get(index) || { x: 0, y: 0, rows: 0 };
    places.set(index, place);
    place.x += (x - place.x) / ++place.rows;
    place.y += (y - place.y) / place.rows;
    return index;
  };
  const cells = columns * rows;
  const counts = new Map();
  let inside = 0;
  for (let i = 0; i < origin.x.length; i++) {
    const from = meet(origin.x[i], origin.y[i]);
    const to = meet(destination.x[i], destination.y[i]);
    if (from === to) inside++;
    else addOne(counts, from * cells + to);
  }
  const flows = [...counts].sort((a, b) => b[1] - a[1]).map(([key, count]) => ({
    from: places.get(Math.floor(key / cells)), to: places.get(key % cells), count,
  }));
  return { flows, inside, most: flows.length ? flows[0].count : 0 };
});

/** The largest count of any hour, so that colours mean the same at every hour. */
const mostAtAnHour = remembering((name, area, size) => {
  let most = 0;
  for (let hour = 0; hour < 24; hour++) {
    const counted = name === "flows"
      ? countFlows(area, hour, size) : countCells(name, area, hour, size);
    most = Math.max(most, counted.most);
  }
  return most;
});
