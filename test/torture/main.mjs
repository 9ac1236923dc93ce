// npm run torture -- --help
// Runs command.ts, with modules in TypeScript as the tests read them, on every Node that the package runs on. The command
// runs while it is imported: modules that it loads later are read by the same runner.
import { runnerImport } from 'vite'

await runnerImport(new URL('command.ts', import.meta.url).pathname, { configFile: false, logLevel: 'error' })
