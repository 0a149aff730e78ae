/** The city's database, on PostgreSQL: what consumers put into it, and what the API reads. */
export { StoreError } from './connection.ts';
export { openReads } from './reads/index.ts';
export { startRetention } from './retention.ts';
export { openStore } from './store.ts';
