/** Of what made no sense, the last detail of each reason: for the installer, in /health. Counts are in the metrics. */

/** Characters: somebody else wrote them, and `createReasons` has cut them already. */
const DETAIL_MAX = 200;

export interface LastDiscarded {
  /** Devices, lines and reasons are of a few. */
  note(device: string, reason: string, detail: string | undefined): void;
  /** It is of the config no longer, or otherwise. */
  forget(device: string): void;
  /** By device and reason. */
  list(): Readonly<Record<string, Readonly<Record<string, string>>>>;
}

export function createLastDiscarded(): LastDiscarded {
  const details = new Map<string, Map<string, string>>();
  return {
    note(device, reason, detail) {
      if (detail === undefined) return;
      const of = details.get(device) ?? new Map<string, string>();
      details.set(device, of);
      of.set(reason, detail.slice(0, DETAIL_MAX));
    },
    forget: (device) => void details.delete(device),
    list: () => Object.fromEntries([...details].map(([device, of]) => [device, Object.fromEntries(of)])),
  };
}
