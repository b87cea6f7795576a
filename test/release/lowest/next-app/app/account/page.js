import { serverAuth } from 'latchkey/next'
import { headers } from 'next/headers'
import { latchkey } from '../latchkey.js'

const auth = serverAuth(latchkey, headers)

export default async function Account() {
  const { subject } = await auth()
  return <p>{`account of ${subject}`}</p>
}
