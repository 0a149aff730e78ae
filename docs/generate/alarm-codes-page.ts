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
\`alarm.cancelled\`: BC those of a burglary, FC of fire, OC and 406 all but tamper; with the kind \`cancel\` where none stands any more.

Where the number behind a code goes:

| The number is a | It becomes |
| --- | --- |
| zone, door | \`data.zone.number\`, with the \`id\` and \`name\` that the config gives it |
| user | \`data.details.user\`, as the panel writes it (\`001\`) |
| area | \`data.details.partition\` (\`1\`), unless a modifier \`ri\` names another |

What else stands beside it: \`ri\` of SIA and the two digits after a code of Contact ID are \`data.details.partition\`, without
leading zeros; 0 is the whole panel, and no partition. \`id\` of SIA is \`data.details.user\`. A number of Contact ID with letters
(\`0A5\`) is no zone: it is kept as \`data.details.user\`.

## SIA DC-03

${head}
${siaCodes.map(sia).join('\n')}

## Contact ID (SIA DC-05)

With the qualifier 1; 3 ends it. Of arming 1 disarms and 3 arms, but 456 and 459 arm in both.

${head}
${contactIdCodes.map(contactId).join('\n')}
`;
