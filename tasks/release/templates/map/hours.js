// The hours: a slider below bars, a button for all day, a button that plays them.

const HOUR_MILLISECONDS = 900;

class Hours {
  /** @param changed Is called with the hour, or null for all day. */
  constructor(changed) {
    this.changed = changed;
    this.slider = document.getElementById("map-hour");
    this.allDay = document.getElementById("map-all-day");
    this.play = document.getElementById("map-play");
    this.bars = document.getElementById("map-bars");
    this.hour = null;
    this.timer = null;
    this.slider.addEventListener("input", () => this.choose(Number(this.slider.value)));
    this.allDay.addEventListener("click", () => this.choose(null));
    this.play.addEventListener("click", () => (this.timer ? this.stop() : this.start()));
  }

  choose(hour) {
    this.stop();
    this.set(hour);
  }

  start() {
    this.play.textContent = "Pause";
    this.set(this.hour === null || this.hour === 23 ? 0 : this.hour + 1);
    this.timer = setInterval(
      () => (this.hour === 23 ? this.choose(null) : this.set(this.hour + 1)), HOUR_MILLISECONDS);
  }

  stop() {
    clearInterval(this.timer);
    this.timer = null;
    this.play.textContent = "Play";
  }

  set(hour) {
    this.hour = hour;
    if (hour !== null) this.slider.value = hour;
    this.changed(hour);
  }

  /** Show the counts of the hours, and words for the hour that is chosen. */
  show(counts, words) {
    document.getElementById("map-moment").textContent = words;
    this.slider.setAttribute("aria-valuetext", words);
    this.slider.classList.toggle("off", this.hour === null);
    this.allDay.setAttribute("aria-pressed", String(this.hour === null));
    this.drawBars(counts);
  }

  drawBars(counts) {
    const { width, height } = this.bars.getBoundingClientRect();
    const ratio = window.devicePixelRatio || 1;
    const style = getComputedStyle(this.bars);
    const colour = (name) => style.getPropertyValue(`--${name}`).trim();
    this.bars.width = Math.round(width * ratio);
    this.bars.height = Math.round(height * ratio);
    const context = this.bars.getContext("2d");
    context.scale(ratio, ratio);
    const step = width / 24, most = Math.max(...counts, 1);
    counts.forEach((count, hour) => {
      const length = (count / most) * (height - 2);
      context.fillStyle = colour(this.hour === null || this.hour === hour ? "accent" : "dim");
      context.fillRect((hour + 0.12) * step, height - length, 0.76 * step, length);
    });
  }
}
