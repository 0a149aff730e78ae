/** How the gateway is, and who is told. */
export { createAnnouncements } from './announce.ts';
export { watchClock } from './clock.ts';
export { createInventory } from './inventory.ts';
export { createLevels } from './level-acts.ts';
export { createLocalStatus } from './local.ts';
export { createMetrics } from './metrics.ts';
export { logFaults } from './standing.ts';
export { createStatusServer } from './status.ts';
