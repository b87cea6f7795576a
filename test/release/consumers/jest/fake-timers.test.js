const { guardedRoute } = require('../commonjs/app.cjs')

jest.useFakeTimers()

test('a guarded route under fake timers', async () => {
  process.stdout.write(`${JSON.stringify(await guardedRoute())}\n`)
})
