/** docs/alarm-codes.md: what the codes of panels become. */
import { meaningOfContactId } from '../../drivers/alarm-codes/report.ts';
import { type AlarmCode, contactIdCodes, siaCodes } from '../../drivers/alarm-codes/table.ts';
import { eventTypeOf } from '../../gateway/road/event.ts';

/** The type of the event that a code becomes. */
function typeOf({ kind, cause }: AlarmCode, state: 'raised' | 'restored'): string {
  if (kind === 'none') return 'none';
  const decision = cause === 'granted' ? 'granted' : 'denied';
  return eventTypeOf({
    device: '',
    kind,
    state,
    ...(kind === 'credential' && { access: { door: '', decision } }),
  });
}

const cells = (row: AlarmCode, codes: string, type: string) => {
  const { kind, cause, numbered, meaning } = row;
  return `| ${codes} | ${meaning} | ${kind === 'none' ? '' : `\`${kind}\``} | ${cause ?? ''} | ${numbered} | ${type === 'none' ? 'none: the panel is there' : `\`${type}\``} |`;
};

const head =
  '| Code | Meaning | `kind` | `cause` | The number is a | Event |\n| --- | --- | --- | --- | --- | --- |';
const sia = (row: AlarmCode) =>
  cells(
    row,
    `${row.code}${row.ends.length > 0 ? `, ended by ${row.ends.join(', ')}` : ''}`,
    typeOf(row, 'raised'),
  );
const contactId = (row: AlarmCode) =>
  cells(row, row.code, typeOf(row, meaningOfContactId('1', row.code).state));

export const alarmCodesPage = (): string => `# What the codes of alarm panels become

Generated from \`drivers/alarm-codes/table.ts\`. A zone's \`kind\` in the config says what a burglary is (\`intrusion\` and
\`perimeter\` below); what says itself what it is keeps it. A code that is not here is a \`device.fault\` with the cause
\`code-XX\`; a restore that is not here ends such a fault, or is no event. A cancel ends the alarms of its partition as
\`alarm.cancelled\`: BC those of a burglary, OC and 406 all but tamper; with the kind \`cancel\` where none stands any more.

## SIA DC-03

${head}
${siaCodes.map(sia).join('\n')}

## Contact ID (SIA DC-05)

With the qualifier 1; 3 ends it. Of arming 1 disarms and 3 arms, but 456 and 459 arm in both.

${head}
${contactIdCodes.map(contactId).join('\n')}
`;
