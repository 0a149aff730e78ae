/**
 * - `walk-test-runs`, `no-walk-test`: one runs already, or none does.
 * - `not-found`: there is no such area, point or report.
 * - `nothing-to-try`: the areas have no points.
 * - `not-marked`: alarms could not be marked as those of a test, so that it did not begin.
 * - `no-browser`, `not-printed`: there is nothing to print with, or it failed.
 */
export class WalkError extends Error {
  readonly code:
    | 'walk-test-runs'
    | 'no-walk-test'
    | 'not-found'
    | 'nothing-to-try'
    | 'not-marked'
    | 'no-browser'
    | 'not-printed';
  constructor(code: WalkError['code'], message: string = code) {
    super(message);
    this.name = 'WalkError';
    this.code = code;
  }
}
