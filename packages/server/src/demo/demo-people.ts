import { uuidV7 } from '../uuid.js'
import type { Dice } from './dice.js'

/** A user of the demo. Times are milliseconds since 1970. */
export interface DemoPerson {
  readonly id: string
  readonly name: string
  readonly email: string
  readonly createdAt: number
  /** How often the person comes: an active one has sessions. */
  readonly isActive: boolean
}

const day = 86_400_000

const firstNames = [
  ...['Ada', 'Amara', 'Anil', 'Astrid', 'Ayşe', 'Björn', 'Carlos', 'Chiara', 'Chloé', 'Dagny', 'Diego', 'Elif'],
  ...['Emeka', 'Fatima', 'Finn', 'Grace', 'Hana', 'Hiro', 'Imani', 'Inés', 'Ivan', 'Jana', 'Jonas', 'Kaito'],
  ...['Karim', 'Kwame', 'Lars', 'Leila', 'Liam', 'Lucía', 'Magda', 'Mateo', 'Mei', 'Mina', 'Mohammed', 'Nadia'],
  ...['Nia', 'Noah', 'Olga', 'Omar', 'Paula', 'Priya', 'Rafael', 'Rania', 'Sanna', 'Siobhán', 'Sofia', 'Tariq'],
  ...['Tomáš', 'Uma', 'Viktor', 'Wanjiru', 'Wei', 'Yara', 'Yuki', 'Zoë'],
] as [string, ...string[]]

const lastNames = [
  ...['Abebe', 'Andersson', 'Bakker', 'Banerjee', 'Bianchi', 'Castro', 'Chen', 'Cohen', 'Costa', 'Demir', 'Dubois'],
  ...['Eriksen', 'Fernández', 'Fischer', 'García', 'Haddad', 'Hansen', 'Hoffmann', 'Ito', 'Ivanova', 'Jensen'],
  ...['Kamau', 'Khan', 'Kim', 'Kowalski', 'Larsen', 'López', 'Mbeki', 'Meyer', 'Moreau', 'Murphy', 'Nakamura'],
  ...['Nguyen', 'Novák', 'Okafor', 'Olsen', 'Osei', 'Papadakis', 'Patel', 'Petrov', 'Popescu', 'Quinn', 'Rahman'],
  ...['Rossi', 'Sato', 'Schmidt', 'Silva', 'Singh', 'Suzuki', 'Tanaka', 'Torres', 'Virtanen', 'Wang', 'Yılmaz'],
] as [string, ...string[]]

/** Names that are reserved for examples (RFC 2606). */
const hosts = [
  'example.com',
  'example.org',
  'example.net',
  'northwind.example',
  'fabrikam.example',
  'harbour.example',
] as [string, ...string[]]

/** Returns people who have registered in the last three years, oldest first. */
export function demoPeople(dice: Dice, { count, nowMs }: { count: number; nowMs: number }): readonly DemoPerson[] {
  const taken = new Set<string>()
  const people = Array.from({ length: count }, () => {
    // The newer, the more.
    const createdAt = Math.round(nowMs - 3600_000 - 1000 * day * dice.fraction() ** 2)
    const name = `${dice.pick(firstNames)} ${dice.pick(lastNames)}`
    const email = freeAddress(name, dice.pick(hosts), taken)
    return { id: uuidV7(createdAt), name, email, createdAt, isActive: dice.happens(0.35) }
  })
  return people.toSorted((one, other) => one.createdAt - other.createdAt)
}

function freeAddress(name: string, host: string, taken: Set<string>): string {
  const local = name
    .toLowerCase()
    .replaceAll('ı', 'i')
    .normalize('NFD')
    .replaceAll(/[^a-z ]/g, '')
    .replaceAll(' ', '.')
  for (let number = 1; ; number += 1) {
    const email = `${local}${number === 1 ? '' : number}@${host}`
    if (taken.has(email)) continue
    taken.add(email)
    return email
  }
}
