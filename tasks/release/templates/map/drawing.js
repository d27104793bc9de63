// Everything that is drawn on the map's canvas, back to front.

const CELL_PIXELS = 8;
const PLACE_PIXELS = 34;
const WIDEST_FLOW = 13;
const POINTED_PIXELS = 4; // so far beside a flow one still points at it

/** The colours of the style sheet, for the theme of the moment. */
function readColours(element) {
  const style = getComputedStyle(element);
  const colour = (name) => style.getPropertyValue(`--${name}`).trim();
  return {
    ramp: [0, 1, 2, 3, 4, 5, 6].map((i) => colour(`c${i}`)),
    ...Object.fromEntries(
      ["paper", "card", "ground", "ink", "soft", "line", "warn", "road"]
        .map((name) => [name, colour(name)]),
    ),
    font: `11px ${colour("sans")}`,
  };
}

/** What is seen: an area, a layer, an hour, the transform from metres to pixels, the colours. */
class View {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.area = 0;
    this.layer = "origins";
    this.hour = null;
    this.marked = null;
    this.transform = d3.zoomIdentity;
    this.width = this.height = 0;
  }

  get box() { return FACTS.areas[this.area]; }
  get cellSize() { return niceMetres(CELL_PIXELS / this.transform.k); }
  get placeSize() { return niceMetres(PLACE_PIXELS / this.transform.k); }

  get counted() {
    return this.layer === "flows"
      ? countFlows(this.area, this.hour, this.placeSize)
      : countCells(this.layer, this.area, this.hour, this.cellSize);
  }

  get classes() {
    const size = this.layer === "flows" ? this.placeSize : this.cellSize;
    return classesUpTo(
      this.hour === null ? this.counted.most : mostAtAnHour(this.layer, this.area, size),
    );
  }

  /** The part of the busiest flows that can be seen. */
  get flows() {
    const isSeen = ({ x, y }) => {
      const [left, top] = this.transform.apply([x, y]);
      return left >= 0 && left <= this.width && top >= 0 && top <= this.height;
    };
    return this.counted.flows
      .filter(({ from, to, count }) => count > 1 && (isSeen(from) || isSeen(to))).slice(0, FLOWS);
  }

  resize() {
    const { width, height } = this.canvas.getBoundingClientRect();
    const ratio = window.devicePixelRatio || 1;
    [this.width, this.height, this.ratio] = [width, height, ratio];
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
  }

  /** Pixels of a position in degrees. */
  place(latitude, longitude) {
    const { south, west, north, east, width_m, height_m } = this.box;
    return this.transform.apply([
      ((longitude - west) / (east - west)) * width_m,
      ((north - latitude) / (north - south)) * height_m,
    ]);
  }

  /** Degrees of a position in pixels. */
  degrees(x, y) {
    const { south, west, north, east, width_m, height_m } = this.box;
    const [east_m, south_m] = this.transform.invert([x, y]);
    return {
      latitude: north - (south_m / height_m) * (north - south),
      longitude: west + (east_m / width_m) * (east - west),
    };
  }

  draw() {
    const { context, ratio } = this;
    this.colours = readColours(this.canvas);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.fillStyle = this.colours.card;
    context.fillRect(0, 0, this.width, this.height);
    this.tracing(this.colours.ground, null);
    const degrees = this.degreeLines;
    this.drawNet(degrees);
    this.drawWays();
    if (this.layer === "flows") this.drawFlows();
    else this.drawCells();
    this.tracing(null, this.colours.soft);
    this.drawDegrees(degrees);
    this.drawMarked();
    this.drawScale();
  }

  /** Fill the service area or trace its outline. */
  tracing(fill, stroke) {
    const { context, box } = this;
    const path = new Path2D();
    const rings = box.outline.length ? box.outline.flat()
      : [[[0, 0], [STEPS, 0], [STEPS, STEPS], [0, STEPS]]];
    for (const ring of rings) {
      ring.forEach(([x, y], i) => {
        const [left, top] = this.transform.apply(
          [(x / STEPS) * box.width_m, (1 - y / STEPS) * box.height_m]);
        if (i) path.lineTo(left, top);
        else path.moveTo(left, top);
      });
      path.closePath();
    }
    if (fill) {
      context.fillStyle = fill;
      context.fill(path, "evenodd");
    }
    if (stroke) {
      context.strokeStyle = stroke;
      context.lineWidth = 1;
      context.stroke(path);
    }
  }

  drawWays() {
    const { context } = this;
    const { k, x, y } = this.transform;
    const { roads, docks } = waysOf(this.area);
    context.strokeStyle = context.fillStyle = this.colours.road;
    context.save();
    context.transform(k, 0, 0, k, x, y);
    context.lineWidth = 1 / k;
    context.stroke(roads);
    context.restore();
    for (const dock of docks) {
      const [left, top] = this.transform.apply(dock);
      context.fillRect(left - 1.5, top - 1.5, 3, 3);
    }
  }

  drawCells() {
    const { context, cellSize, classes } = this;
    const { columns, counts } = this.counted;
    const { k, x, y } = this.transform;
    const sharp = (pixels) => Math.round(pixels * this.ratio) / this.ratio;
    const gap = cellSize * k >= 6 ? 1 : 0;
    for (const [index, count] of counts) {
      const column = index % columns, row = Math.floor(index / columns);
      const left = sharp(column * cellSize * k + x), right = sharp((column + 1) * cellSize * k + x);
      const top = sharp(row * cellSize * k + y), bottom = sharp((row + 1) * cellSize * k + y);
      if (right < 0 || bottom < 0 || left > this.width || top > this.height) continue;
      context.fillStyle = this.colours.ramp[classOf(classes, count).colour];
      context.fillRect(left, top, right - left - gap, bottom - top - gap);
    }
  }

  /** The shape of a flow. */
  needleOf({ from, to, count }) {
    const { classes } = this;
    const most = Math.max(classes[classes.length - 1].bound, this.counted.most, 1);
    const width = Math.max(WIDEST_FLOW * Math.sqrt(count / most), 1.5);
    return needle(this.transform.apply([from.x, from.y]), this.transform.apply([to.x, to.y]), width);
  }

  /** The busiest flow in view that passes a point, in pixels, or undefined. */
  flowAt(x, y) {
    const { context, ratio } = this;
    context.lineWidth = 2 * POINTED_PIXELS;
    return this.flows.find((flow) => {
      const path = this.needleOf(flow);
      return context.isPointInPath(path, x * ratio, y * ratio)
        || context.isPointInStroke(path, x * ratio, y * ratio);
    });
  }

  drawFlows() {
    const { context, classes, flows } = this;
    const seen = new Set();
    for (const flow of [...flows].reverse()) {
      const path = this.needleOf(flow);
      context.fillStyle = this.colours.ramp[classOf(classes, flow.count).colour];
      context.strokeStyle = this.colours.ground;
      context.lineWidth = 0.75;
      context.fill(path);
      context.stroke(path);
      seen.add(flow.from).add(flow.to);
    }
    for (const { x, y } of seen) {
      const [left, top] = this.transform.apply([x, y]);
      context.beginPath();
      context.arc(left, top, 2.5, 0, 2 * Math.PI);
      context.fillStyle = this.colours.ground;
      context.strokeStyle = this.colours.ink;
      context.lineWidth = 1;
      context.fill();
      context.stroke();
    }
  }

  /** Round degrees in view: of each its words, and where it lies in pixels. */
  get degreeLines() {
    const northWest = this.degrees(0, 0), southEast = this.degrees(this.width, this.height);
    const perPixel = (northWest.latitude - southEast.latitude) / this.height;
    const step = niceStep(perPixel * Math.max(110, 0.18 * Math.min(this.width, this.height)));
    const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
    const named = (degree, [positive, negative]) =>
      `${Math.abs(degree).toFixed(digits)}° ${degree < 0 ? negative : positive}`;
    return {
      across: multiples(northWest.longitude, southEast.longitude, step)
        .map((degree) => ({ words: named(degree, "EW"), at: this.place(0, degree)[0] })),
      down: multiples(southEast.latitude, northWest.latitude, step)
        .map((degree) => ({ words: named(degree, "NS"), at: this.place(degree, 0)[1] })),
    };
  }

  drawNet({ across, down }) {
    this.context.strokeStyle = this.colours.soft;
    this.context.lineWidth = 1;
    this.context.setLineDash([1, 5]);
    for (const { at } of across) this.line(at, 0, at, this.height);
    for (const { at } of down) this.line(0, at, this.width, at);
    this.context.setLineDash([]);
  }

  /** The degrees at the edges, but for where buttons and the scale are. */
  drawDegrees({ across, down }) {
    for (const { words, at } of across) if (at < this.width - 110) this.write(words, at + 4, 13);
    for (const { words, at } of down) {
      if (at > 30 && at < this.height - 24) this.write(words, 6, at - 4);
    }
  }

  drawScale() {
    const { context } = this;
    const metres = niceMetres(60 / this.transform.k);
    const length = metres * this.transform.k;
    const left = 12, bottom = this.height - 12;
    const words = metres >= 1000 ? `${metres / 1000} km` : `${metres} m`;
    this.write(words, left + length + 7, bottom + 1, this.colours.ink);
    for (const [width, colour] of [[4, this.colours.card], [1.25, this.colours.ink]]) {
      context.lineWidth = width;
      context.strokeStyle = colour;
      context.beginPath();
      context.moveTo(left, bottom - 5);
      context.lineTo(left, bottom);
      context.lineTo(left + length, bottom);
      context.lineTo(left + length, bottom - 5);
      context.stroke();
    }
  }

  /** Words that can be read on any ground. */
  write(words, left, bottom, colour = this.colours.soft) {
    const { context } = this;
    context.font = this.colours.font;
    context.lineJoin = "round";
    context.strokeStyle = this.colours.card;
    context.lineWidth = 3;
    context.strokeText(words, left, bottom);
    context.fillStyle = colour;
    context.fillText(words, left, bottom);
  }

  /** The cell or flow that is pointed at, and the squares for which an interval is known. */
  drawMarked() {
    if (!this.marked) return;
    const { cell, flow, squares } = this.marked;
    if (cell) this.frame(cell.left - 0.5, cell.top - 0.5, cell.side, cell.side, []);
    if (flow) {
      this.context.strokeStyle = this.colours.warn;
      this.context.lineWidth = 2;
      this.context.stroke(this.needleOf(flow));
    }
    for (const square of squares) {
      const [west, north] = this.place(square.north, square.west);
      const [east, south] = this.place(square.south, square.east);
      this.frame(west, north, east - west, south - north, [5, 4]);
    }
  }

  /** A rectangle that shows on light and on dark cells. */
  frame(left, top, width, height, dashes) {
    const { context } = this;
    for (const [wide, colour, dash] of [[4, this.colours.paper, []], [2, this.colours.warn, dashes]]) {
      context.lineWidth = wide;
      context.strokeStyle = colour;
      context.setLineDash(dash);
      context.strokeRect(left, top, width, height);
    }
    context.setLineDash([]);
  }

  line(x1, y1, x2, y2) {
    this.context.beginPath();
    this.context.moveTo(Math.round(x1) + 0.5, Math.round(y1) + 0.5);
    this.context.lineTo(Math.round(x2) + 0.5, Math.round(y2) + 0.5);
    this.context.stroke();
  }
}

/** A bent flow: wide where it begins, a point where it ends. */
function needle([x1, y1], [x2, y2], width) {
  const bend = 0.16;
  const [middleX, middleY] = [(x1 + x2) / 2 - (y2 - y1) * bend, (y1 + y2) / 2 + (x2 - x1) * bend];
  const sides = [[], []];
  for (let i = 0; i <= 16; i++) {
    const t = i / 16, u = 1 - t;
    const x = u * u * x1 + 2 * u * t * middleX + t * t * x2;
    const y = u * u * y1 + 2 * u * t * middleY + t * t * y2;
    const dx = 2 * u * (middleX - x1) + 2 * t * (x2 - middleX);
    const dy = 2 * u * (middleY - y1) + 2 * t * (y2 - middleY);
    const half = ((1 - t) * width) / 2 / (Math.hypot(dx, dy) || 1);
    sides[0].push([x - dy * half, y + dx * half]);
    sides[1].unshift([x + dy * half, y - dx * half]);
  }
  const path = new Path2D();
  sides.flat().forEach(([x, y], i) => (i ? path.lineTo(x, y) : path.moveTo(x, y)));
  path.closePath();
  return path;
}

function niceStep(least) {
  const power = 10 ** Math.floor(Math.log10(least));
  return [1, 2, 5, 10].map((digit) => digit * power).find((step) => step >= least * 0.999);
}

function multiples(low, high, step) {
  const found = [];
  for (let i = Math.ceil(low / step); i * step <= high; i++) found.push(i * step);
  return found;
}
