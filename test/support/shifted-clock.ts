// Loaded before a program (`node --import`): its clock is ten years ahead, and goes on from there.
const RealDate = Date;
const shiftMs = RealDate.UTC(2036, 0, 1) - RealDate.now();

class ShiftedDate extends RealDate {
  constructor(...given: [] | [number | string]) {
    super(given.length === 0 ? RealDate.now() + shiftMs : given[0]);
  }

  static override now(): number {
    return RealDate.now() + shiftMs;
  }
}

globalThis.Date = ShiftedDate as DateConstructor;
