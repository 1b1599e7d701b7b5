import { zoneOffsetMs } from "../zones.js";

const day = 86_400_000;

/** Instants at which a zone's clocks show given times. Both NaN: skipped in spring. Different: shown twice in autumn. */
export interface WallInstants {
  /** Epoch ms; NaN where the clocks skip the time. */
  first: number;
  /** The same as `first` but for times that occur twice. */
  second: number;
}

/** Turns wall times of a zone into instants, two questions to the time zone tables a day (some 5 us each). */
export class WallClock {
  readonly zone: string;
  readonly #before = new Map<number, number>();
  readonly #result: WallInstants = { first: NaN, second: NaN };
  #day = NaN;
  #offset = NaN;

  /** @throws UnknownTimezoneError */
  constructor(zone: string) {
    zoneOffsetMs(0, zone);
    this.zone = zone;
  }

  /** Offset of the zone at 00:00Z of the day with this number, ms. */
  #offsetOn(number: number): number {
    let offset = this.#before.get(number);
    if (offset === undefined) {
      offset = zoneOffsetMs(number * day, this.zone);
      this.#before.set(number, offset);
    }
    return offset;
  }

  /** Instants of a wall time (epoch ms as if it were UTC); the object is reused by the next call. */
  instants(wall: number): WallInstants {
    const result = this.#result;
    const number = Math.floor(wall / day);
    if (number !== this.#day) {
      // Offsets lie within 15 hours of UTC, so a day ahead and two days after enclose the wall day; equal ones mean
      // that the clocks did not change (no zone has changed and changed back within three days since 1970).
      const before = this.#offsetOn(number - 1);
      this.#day = number;
      this.#offset = before === this.#offsetOn(number + 2) ? before : NaN;
    }
    if (!Number.isNaN(this.#offset)) {
      result.first = result.second = wall - this.#offset;
      return result;
    }
    const early = wall - this.#offsetOn(number - 1);
    const late = wall - this.#offsetOn(number + 2);
    const valid = [early, late].filter((instant) => instant + zoneOffsetMs(instant, this.zone) === wall);
    result.first = valid.length === 0 ? NaN : Math.min(...valid);
    result.second = valid.length === 0 ? NaN : Math.max(...valid);
    return result;
  }

  /** The calendar day in the zone at an instant, as 00:00Z of its date. */
  dateAt(instant: number): number {
    return Math.floor((instant + zoneOffsetMs(instant, this.zone)) / day) * day;
  }
}
