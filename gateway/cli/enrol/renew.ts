/** `campus-gateway enrol --renew`: what the daemon does in time, now. */
import { say } from '../../../config/language.ts';
import { renew } from '../../enrolment/ask.ts';
import { enrolmentOf } from '../../enrolment/index.ts';
import { readEnrolment, readOwn } from '../../enrolment/kept.ts';
import { EnrolmentRefused } from '../../enrolment/wire.ts';
import { configOrErrors, type Terminal, UsageError } from '../command.ts';

/** @returns the exit status. @throws what the network or the disk says. */
export async function renewNow(
  file: string,
  uplink: string | undefined,
  terminal: Terminal,
): Promise<number> {
  const config = await configOrErrors(file, terminal);
  if (config === undefined) return 1;
  const enrolled = config.uplinks.flatMap((one) => {
    const paths = enrolmentOf(one);
    return paths === undefined || (uplink !== undefined && one.id !== uplink) ? [] : [{ id: one.id, paths }];
  });
  if (enrolled.length === 0)
    throw new UsageError(say(`no uplink of ${file} was enrolled`, `${file} 中没有通过注册码接入的上联`));
  let status = 0;
  for (const { id, paths } of enrolled) {
    try {
      await renew(readOwn(paths.certFile), readEnrolment(paths.file), paths, {
        another: true,
        clock: terminal.clock,
      });
      const ends = new Date(readOwn(paths.certFile).ends).toISOString();
      terminal.stdout.write(say(`${id}: good until ${ends}\n`, `${id}：有效期至 ${ends}\n`));
    } catch (error) {
      if (!(error instanceof EnrolmentRefused)) throw error;
      terminal.stderr.write(`${id}: ${error.message}\n`);
      status = 1;
    }
  }
  return status;
}
