import { KnownError } from "./errors.js";
import { didYouMean, nearestName } from "./text.js";

/** Nothing of a family (indicators, label types) has the name that was asked for. */
export abstract class UnknownNameError extends KnownError {
  /** The known name closest to it, null where none is near. */
  readonly nearest: string | null;
  readonly known: readonly string[];

  /**
   * @param kind    what one of the family is called: `indicator`
   * @param written the name as it was written
   * @param known   the names to list
   * @param near    where to look for the nearest one: the known names and others that are understood
   * @param compared the name as it is compared with these
   */
  constructor(
    kind: string,
    written: string,
    known: readonly string[],
    near: Iterable<string> = known,
    compared: string = written,
  ) {
    const nearest = nearestName(compared, near) ?? null;
    super(`No ${kind} is called "${written}".${didYouMean(nearest)} Known: ${known.join(", ")}.`);
    this.nearest = nearest;
    this.known = known;
  }
}
