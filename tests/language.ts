/** The language that the product speaks, which it reads once, when it is loaded. */
import { onTestFinished, vi } from 'vitest';

/** What this test imports from now on speaks Chinese. */
export function speakChinese(): void {
  vi.stubEnv('CAMPUS_LANG', 'zh');
  vi.resetModules();
  onTestFinished(() => {
    vi.unstubAllEnvs();
    vi.resetModules();
  });
}
