import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'

/** A job queue in a table, as one would write it by hand. */
export function openSqliteQueue(dir, synchronous) {
  mkdirSync(dir, { recursive: true })
  const db = new Database(join(dir, 'jobs.db'), { timeout: 10_000 })
  db.pragma('journal_mode = WAL')
  db.pragma(`synchronous = ${synchronous}`)
  db.exec(`CREATE TABLE IF NOT EXISTS jobs (id INTEGER PRIMARY KEY, state TEXT NOT NULL, priority INTEGER NOT NULL,
    run_at INTEGER NOT NULL, created INTEGER NOT NULL, version INTEGER NOT NULL, attempt INTEGER NOT NULL, worker INTEGER,
    request TEXT NOT NULL, value BLOB);
    CREATE INDEX IF NOT EXISTS ready ON jobs (state, priority DESC, id)`)
  const insert = db.prepare(`INSERT INTO jobs (state, priority, run_at, created, version, attempt, request)
    VALUES ('pending', 0, 0, ?, 1, 0, ?)`)
  const claim = db.prepare(`UPDATE jobs SET state = 'active', attempt = attempt + 1, worker = ? WHERE id =
    (SELECT id FROM jobs WHERE state = 'pending' ORDER BY priority DESC, id LIMIT 1) RETURNING id, request, attempt`)
  const unclaim = db.prepare("UPDATE jobs SET state = 'pending', worker = NULL WHERE id = ? AND state = 'active'")
  const finish = db.prepare("UPDATE jobs SET state = 'fulfilled', value = ? WHERE id = ? AND state = 'active'")
  const create = (request) => insert.run(Date.now(), JSON.stringify(request))
  return {
    create,
    createMany: db.transaction((requests) => {
      for (const request of requests) create(request)
    }),
    /** The next pending job, or undefined. */
    pull() {
      const job = claim.get(process.pid)
      return job && { id: job.id, request: JSON.parse(job.request) }
    },
    release: (id) => unclaim.run(id),
    fulfill: (id, value) => finish.run(value, id),
    close: () => db.close(),
  }
}
