/** Reports, as pages and as files. */
import { WalkError } from './errors.ts';
import type { KeptWalks } from './kept.ts';
import type { Printer } from './pdf.ts';
import type { WalkRecord } from './record.ts';
import { type Language, reportHtml } from './report.ts';

export interface Reports {
  /** Whether there is something to print with. */
  canPrint(): boolean;
  record(id: string): Promise<WalkRecord | undefined>;
  /** A page that can be printed. @throws WalkError `not-found`. */
  html(id: string, language: Language): Promise<string>;
  /** Printed once, and kept. @throws WalkError `not-found`, `no-browser`, `not-printed`. */
  pdf(id: string, language: Language): Promise<Uint8Array>;
}

export function createReports(kept: KeptWalks, printer: Pick<Printer, 'print' | 'isThere'>): Reports {
  const recordOf = async (id: string) => {
    const found = await kept.read(id);
    if (found === undefined) throw new WalkError('not-found');
    return found;
  };
  return {
    canPrint: printer.isThere,
    record: kept.read,
    html: async (id, language) => reportHtml(await recordOf(id), language),
    async pdf(id, language) {
      const record = await recordOf(id);
      const name = `${id}.${language}.pdf`;
      const known = await kept.file(name);
      if (known !== undefined) return known;
      const made = await printer.print(reportHtml(record, language)).catch((error: Error) => {
        throw new WalkError('not-printed', error.message);
      });
      if (made === undefined) throw new WalkError('no-browser');
      // Where the disk refuses, it is printed again the next time.
      await kept.addFile(name, made).catch(() => {});
      return made;
    },
  };
}
