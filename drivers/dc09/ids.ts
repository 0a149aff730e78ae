/** The ids of DC-09 messages: what stands in quotes says how the data is written (DC-07, annex H). */

/** What this receiver does not speak: answered DUH, whatever the data looks like. */
const others: ReadonlySet<string> = new Set([
  'ACR-SF',
  'ADM-41E',
  'ADM-42E',
  'ADM-HS',
  'DSC-43',
  'FBI-SF',
  'ITI-I',
  'SCT-SF',
  'SES-SS',
  'SIA-PUL',
  'SIA-S2K',
  'SK-FSK1',
  'SK-FSK2',
]);

/** `#1234|1130 01 009`, with E and R for 1 and 3 too. */
const contactId = /^(#?[0-9A-Za-z]{0,16}\|)?[136ERP]\d{3} [0-9A-Fa-f]{2} [0-9A-Fa-f]{3}/;

/** What the data of a message is. undefined: this receiver does not understand it. */
export function formatOf(id: string, data: string): 'none' | 'sia' | 'contact-id' | undefined {
  if (id === 'NULL') return 'none';
  if (id === 'SIA-DCS') return 'sia';
  if (id === 'ADM-CID') return 'contact-id';
  // Makers send Contact ID under names of their own: `HENG-BO`.
  return !others.has(id) && contactId.test(data) ? 'contact-id' : undefined;
}
