/** Contact ID (SIA DC-05): `1131 01 015` is qualifier, code, partition, and the number of a zone or user. */
import { meaningOfContactId, type PanelEvent } from './report.ts';

/**
 * Panels write zones of more than three digits, too: whole, or the wrong zone alarms. 恒博 says that E may stand for 1,
 * and R for 3.
 */
const report = /[ ,;]*([136ER])([0-9]{3}) +([0-9A-F]{2}) +([0-9A-F]{3,8})(?![0-9A-Za-z])/y;

const lettered: Readonly<Record<string, string>> = { E: '1', R: '3' };

/** One report; `partition` and `number` as they stand. */
export function contactIdEvent(
  qualifier: string,
  code: string,
  partition: string,
  number: string,
): PanelEvent {
  const meaning = meaningOfContactId(qualifier, code);
  const named = meaning.numbered === 'user' ? { user: number } : { number: Number(number) };
  return {
    meaning,
    codes: { contactId: `${qualifier === '3' ? 'R' : 'E'}${code}` },
    partition,
    // 6: said before, and still so (DC-05, 3.3).
    ...(qualifier === '6' && { still: true as const }),
    ...(/^\d+$/.test(number) ? named : { text: number }),
  };
}

/** The reports at the beginning of a section; what follows them is the text of the last one. */
function reportsOf(section: string): PanelEvent[] {
  const events: PanelEvent[] = [];
  report.lastIndex = 0;
  let end = 0;
  for (let match = report.exec(section); match !== null; match = report.exec(section)) {
    const [, qualifier = '', code = '', partition = '', number = ''] = match;
    events.push(contactIdEvent(lettered[qualifier] ?? qualifier, code, partition, number));
    end = report.lastIndex;
  }
  const text = section.slice(end).trim();
  const last = events.pop();
  if (last !== undefined) events.push(text === '' ? last : { ...last, text });
  return events;
}

/** The data of an ADM-CID message, `#1234|1131 01 015`: its reports; there may be several. */
export const parseContactId = (data: string): PanelEvent[] => data.split('|').flatMap(reportsOf);
