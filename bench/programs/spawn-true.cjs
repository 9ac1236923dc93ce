const { spawn } = require('node:child_process')

spawn('true', { stdio: 'inherit' }).on('exit', (code) => process.exit(code))
