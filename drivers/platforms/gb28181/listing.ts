/** What a platform may know of the campus: it asks, or it subscribes. */
import type { Part, Session } from './answering.ts';
import { createDirectory } from './directory.ts';
import { createQueries } from './queries.ts';
import { createSubscriptions } from './subscriptions.ts';

/** All ids are made, or read, at once: a question may be for one of them. */
export function createListing(session: Session): Part {
  const directory = createDirectory(session);
  void directory.load();
  const queries = createQueries(session, directory);
  const subscriptions = createSubscriptions(session, directory);
  return {
    ...queries,
    ...subscriptions,
    state: () => ({
      ...subscriptions.state?.(),
      ids: Object.fromEntries(session.ids.list().map(({ id, name }) => [id, name])),
    }),
    async close() {
      await Promise.all([queries.close?.(), subscriptions.close?.()]);
    },
  };
}
