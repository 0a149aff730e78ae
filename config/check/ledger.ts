import type { Problem } from '../../drivers/contract/driver.ts';
import { say } from '../language.ts';
import type { Config } from '../schema.ts';
import { isMissing } from './names.ts';

/** Rules about devices that are not there would put nothing in, and nobody would see it. */
export function ledgerProblems({ ledger, devices }: Pick<Config, 'ledger' | 'devices'>): Problem[] {
  const names = devices.map(({ id }) => id);
  return (ledger?.open ?? []).flatMap(({ devices: wanted = [] }, i) =>
    wanted.flatMap((name, j) =>
      names.includes(name)
        ? []
        : [
            {
              path: ['ledger', 'open', i, 'devices', j],
              message: isMissing(say(`device ${name}`, `设备 ${name}`), names),
            },
          ],
    ),
  );
}
