import { guardedRoute } from '../typescript/app'

test('a guarded route', async () => {
  process.stdout.write(`${JSON.stringify(await guardedRoute())}\n`)
})
