/** Lower and upper end of a range of numbers; of an estimate, those of its 95 % interval. */
export type Interval = readonly [number, number];
