// npm run torture -- --help
// Reads the modules in TypeScript as the tests do, on every Node that the package runs on.
import { runnerImport } from 'vite'

const { module } = await runnerImport(new URL('command.ts', import.meta.url).pathname, {
  configFile: false,
  logLevel: 'error',
})
await module.main(process.argv.slice(2))
