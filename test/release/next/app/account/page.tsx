import { revalidatePath } from 'next/cache'
import { auth } from '../../lib/auth'

let visits = 0

async function visit() {
  'use server'
  await auth()
  visits += 1
  revalidatePath('/account')
}

export default async function Page() {
  const { subject } = await auth()
  return (
    <form action={visit}>
      <p>{`${subject} acted ${visits} times`}</p>
      <button type="submit">Act</button>
    </form>
  )
}
