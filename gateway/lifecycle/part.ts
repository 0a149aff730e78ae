/** What the gateway is made of. Made, then wired, then started; closed in reverse. */
export interface Part extends AsyncDisposable {
  /** Takes up work. Everything it may call is wired by then. */
  start?(): Promise<void> | void;
}
