/** Steps between ticks, in seconds, that people read without counting. */
const tickSteps = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 43_200, 86_400,
];
const ticksMax = 9;

export interface Tick {
  /** Milliseconds since the start of the axis. */
  readonly offsetMs: number;
  readonly label: string;
}

/** Ticks at round times from 0 up to a duration. */
export function timeTicks(durationMs: number): Tick[] {
  const seconds = durationMs / 1_000;
  const step =
    tickSteps.find((candidate) => seconds / candidate < ticksMax) ?? Math.ceil(seconds / ticksMax);
  const count = Math.floor(seconds / step) + 1;
  return Array.from({ length: count }, (_, index) => {
    const at = index * step;
    return { offsetMs: at * 1_000, label: offsetText(at * 1_000) };
  });
}

/** Time since the start: "0:07", "12:30", "1:02:03". */
export function offsetText(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60];
  const two = (value: number): string => String(value).padStart(2, "0");
  const last = two(seconds % 60);
  return hours === 0 ? `${minutes}:${last}` : `${hours}:${two(minutes)}:${last}`;
}
