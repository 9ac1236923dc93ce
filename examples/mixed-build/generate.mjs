// generate.mjs FOLDER FILE.icon...: makes a C file of every drawing. That is work for a CPU, so each has a process of
// its own, and as many run at once as the build has slots to spare.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { basename, join } from 'node:path'
import { connect } from 'jobslot'

const [folder, ...icons] = process.argv.slice(2)
mkdirSync(folder, { recursive: true })

// The slots of the make, ninja, cargo or jobslot that started this; where there is none, one for each CPU.
const slots = connect({ fallback: availableParallelism() })

await Promise.all(icons.map((icon) => slots.run(() => render(icon))))

async function render(icon) {
  const target = join(folder, `${basename(icon, '.icon')}.c`)
  const job = [process.execPath, 'render.mjs', icon, target]
  const child = spawn('sh', ['span.sh', `node ${icon}`, ...job], { stdio: 'inherit' })
  const [code] = await once(child, 'exit')
  if (code !== 0) throw new Error(`${icon} could not be rendered`)
}
