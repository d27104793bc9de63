// The numbers of the map, as tasks/release/live_map.py packed them.

const FACTS = JSON.parse(document.getElementById("map-facts").textContent);
const STEPS = 65535;
const TYPES = { u2: Uint16Array, u4: Uint32Array, f4: Float32Array };

const ARRAYS = (() => {
  const text = atob(document.getElementById("map-arrays").textContent.trim());
  const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
  return FACTS.arrays.map(([type, first, length]) => new TYPES[type](bytes.buffer, first, length));
})();

/** A function that remembers its last answers by its arguments. */
function remembering(compute, most = 100) {
  const known = new Map();
  return (...key) => {
    const name = key.join("/");
    if (!known.has(name)) {
      if (known.size >= most) known.delete(known.keys().next().value);
      known.set(name, compute(...key));
    }
    return known.get(name);
  };
}

const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);

/** Number of rows of a layer in an area, at an hour, or all day if the hour is null. */
function countRows(layer, area, hour) {
  const hours = layer.rows[area];
  return hour === null ? sum(hours) : hours[hour];
}

/** The x and y in metres, from the north-west corner, of each end of those rows. */
function positionsOf(layer, area, hour) {
  const { width_m, height_m } = FACTS.areas[area];
  const before = sum(layer.rows.slice(0, area).map(sum));
  const first = before + (hour === null ? 0 : sum(layer.rows[area].slice(0, hour)));
  const last = first + countRows(layer, area, hour);
  return layer.ends.map(([x, y]) => ({
    x: Float64Array.from(ARRAYS[x].subarray(first, last), (step) => (step / STEPS) * width_m),
    y: Float64Array.from(ARRAYS[y].subarray(first, last), (step) => (1 - step / STEPS) * height_m),
  }));
}

/** Left, top, right and bottom, in metres, of the ground that holds most ends of an area's rows. */
function middleOfRows(area) {
  const { width_m, height_m } = FACTS.areas[area];
  const ends = [FACTS.layers.origins, FACTS.layers.destinations]
    .map((layer) => positionsOf(layer, area, null)[0]);
  const [x, y] = ["x", "y"].map((axis) =>
    Float64Array.from(ends.flatMap((end) => [...end[axis]])).sort());
  if (!x.length) return [0, 0, width_m, height_m];
  const at = (sorted, share) => sorted[Math.round(share * (sorted.length - 1))];
  const [left, top, right, bottom] = [at(x, 0.01), at(y, 0.01), at(x, 0.99), at(y, 0.99)];
  const margin = 0.08 * Math.max(right - left, bottom - top);
  return [left - margin, top - margin, right + margin, bottom + margin];
}

/** The roads of an area as one path, and its docks, lines of one position; in metres. */
const waysOf = remembering((area) => {
  const roads = new Path2D(), docks = [];
  const ways = FACTS.ways && FACTS.ways[area];
  if (!ways) return { roads, docks };
  const { width_m, height_m } = FACTS.areas[area];
  const [lengths, x, y] = [ways.lengths, ways.x, ways.y].map((index) => ARRAYS[index]);
  const position = (i) => [(x[i] / STEPS) * width_m, (1 - y[i] / STEPS) * height_m];
  let next = 0;
  for (const length of lengths) {
    if (length === 1) docks.push(position(next));
    else roads.moveTo(...position(next));
    for (let i = next + 1; i < next + length; i++) roads.lineTo(...position(i));
    next += length;
  }
  return { roads, docks };
});

/** The square of the published intervals that holds a position in degrees, or null. */
function squareAt(name, area, { latitude, longitude }) {
  const found = FACTS.intervals[name];
  if (!found) return null;
  const [south, west, north, east, low, high] = ["south", "west", "north", "east", "low", "high"]
    .map((column) => ARRAYS[found[column]]);
  const first = sum(found.rows.slice(0, area));
  for (let i = first; i < first + found.rows[area]; i++) {
    if (south[i] <= latitude && latitude < north[i] && west[i] <= longitude && longitude < east[i]) {
      return {
        index: i, south: south[i], west: west[i], north: north[i], east: east[i],
        low: low[i], high: high[i],
      };
    }
  }
  return null;
}

/** The published interval of the flow between the squares that hold two positions, or null. */
function flowBetween(area, start, end) {
  const from = squareAt("origins", area, start), to = squareAt("destinations", area, end);
  if (!from || !to) return null;
  const found = FACTS.intervals.flows;
  const [origin, destination, trips, low, high] = ["origin", "destination", "trips", "low", "high"]
    .map((column) => ARRAYS[found[column]]);
  const first = sum(found.rows.slice(0, area));
  for (let i = first; i < first + found.rows[area]; i++) {
    if (origin[i] === from.index && destination[i] === to.index) {
      return { from, to, trips: trips[i], low: low[i], high: high[i] };
    }
  }
  return null;
}
