/**
 * Names what passed at the second try only. The suite waits for real sockets, disks and processes: a machine that
 * stands still for a second fails a test that is about nothing. What fails twice is wrong; what is named here again
 * and again depends on the machine, and is to be mended.
 */
import type { Reporter, TestModule } from 'vitest/node';

export const twice: Reporter = {
  onTestRunEnd(modules: readonly TestModule[]) {
    for (const module of modules)
      for (const test of module.children.allTests('passed'))
        if ((test.diagnostic()?.retryCount ?? 0) > 0)
          process.stdout.write(
            `passed at the second try: ${module.relativeModuleId} > ${test.fullName}\n  ${test.result().errors?.[0]?.message ?? ''}\n`,
          );
  },
};
