/**
 * The minimum work of a login: the server reads the request, checks the password, and sends an
 * answer of realistic size. It reports its port once it listens.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { createPasswordCheck } from './password-check.js'

const check = await createPasswordCheck()
const answer = JSON.stringify({
  access_token: 'a'.repeat(450),
  refresh_token: 'r'.repeat(60),
  device_token: 'd'.repeat(90),
})

const server = createServer(async (request, response) => {
  const { password } = (await json(request)) as { password: string }
  response.writeHead((await check(password)) ? 200 : 401, { 'content-type': 'application/json' }).end(answer)
})
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
process.on('disconnect', () => process.exit())
