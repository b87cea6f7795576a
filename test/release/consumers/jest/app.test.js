const { guardedRoute } = require('../commonjs/app.cjs')

test('a guarded route', async () => {
  process.stdout.write(`${JSON.stringify(await guardedRoute())}\n`)
})
