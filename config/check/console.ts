import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { Problem } from '../../drivers/contract/driver.ts';
import { CERTIFICATE_FILE_MAX, readBytesOf, SECRET_FILE_MAX } from '../../drivers/files.ts';
import { say } from '../language.ts';
import type { Config } from '../schema.ts';
import { rightProblems } from './rights.ts';

export function consoleProblems(config: Config): Problem[] {
  return [
    ...rightProblems(['console', 'commands'], config.console?.commands ?? [], config),
    ...certificateProblems(config.console?.tls),
  ];
}

function certificateProblems(tls: NonNullable<Config['console']>['tls']): Problem[] {
  if (tls === undefined || tls === 'self-signed') return [];
  const problem = (key: 'certFile' | 'keyFile', en: string, zh: string): Problem[] => [
    { path: ['console', 'tls', key], message: say(en, zh) },
  ];
  const attempt = <T>(read: () => T): T | undefined => {
    try {
      return read();
    } catch {
      return undefined;
    }
  };
  const cert = attempt(() => new X509Certificate(readBytesOf(tls.certFile, CERTIFICATE_FILE_MAX)));
  if (cert === undefined) return problem('certFile', 'is no certificate in PEM', '不是 PEM 格式的证书');
  const key = attempt(() => createPrivateKey(readBytesOf(tls.keyFile, SECRET_FILE_MAX)));
  if (key === undefined) return problem('keyFile', 'is no private key in PEM', '不是 PEM 格式的私钥');
  return cert.checkPrivateKey(key)
    ? []
    : problem('keyFile', 'is not the key of the certificate', '与证书不匹配');
}
