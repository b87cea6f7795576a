import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { enclosingNetworks, networkMatcher, networkOf, parseAddress, parseNetworks } from '../../../src/ip-address.js'

describe('an address', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['2001:0DB8::0007', '2001:db8::7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['192.0.2.7:80', '192.0.2.7'],
    ['[2001:db8::7]', '2001:db8::7'],
    ['[2001:db8::7]:80', '2001:db8::7'],
  ])('has one spelling: %s is %s', (text, address) => {
    expect(parseAddress(text)).toBe(address)
  })

  it.each([
    '',
    'unknown',
    '_hidden',
    '10.1',
    '0x7f.0.0.1',
    '010.0.0.1',
    '1.2.3.4:',
    '1.2.3.4:port',
    '[1.2.3.4',
    '::1]:80',
  ])('is not found in %j', (text) => {
    expect(parseAddress(text)).toBeUndefined()
  })

  it('is searched in any text without an error', () => {
    fc.assert(fc.property(fc.string(), (text) => parseAddress(text) === undefined || networkOf(text) !== ''))
  })
})

describe('the networks around an address', () => {
  it.each([
    ['192.0.2.7', ['192.0.0.0/16', '192.0.2.0/24', '192.0.2.7/32']],
    ['::ffff:192.0.2.7', ['192.0.0.0/16', '192.0.2.0/24', '192.0.2.7/32']],
    ['2001:db8:1:2345::7', ['2001:db8::/32', '2001:db8:1::/48', '2001:db8:1:2300::/56', '2001:db8:1:2345::/64']],
    ['unknown', ['unknown']],
    ['', ['unknown']],
  ])('are nested: those of %j are %j', (address, networks) => {
    expect(enclosingNetworks(address)).toEqual(networks)
  })
})

describe('the network of one party', () => {
  it('is a single address of IPv4, and 64 bits of IPv6', () => {
    expect(networkOf('192.0.2.7')).toBe('192.0.2.7')
    expect(networkOf('2001:db8:1:2:3:4:5:6')).toBe('2001:db8:1:2::/64')
    expect(networkOf('2001:db8:1:2:ffff::')).toBe(networkOf('2001:db8:1:2::1'))
    expect(networkOf('2001:db8:1:3::1')).not.toBe(networkOf('2001:db8:1:2::1'))
    expect(networkOf('unknown')).toBe('unknown')
  })

  it('is the same for all addresses that share their first 64 bits, and only for those', () => {
    const group = fc.integer({ min: 0, max: 0xffff })
    const groups = (length: number) => fc.array(group, { minLength: length, maxLength: length })
    const text = (parts: number[]) => parts.map((part) => part.toString(16)).join(':')
    fc.assert(
      fc.property(groups(3), groups(4), groups(4), ([a = 0, b = 0, c = 0], one, other) => {
        const prefix = [0x2001, a, b, c]
        const changed = [0x2001, a, b, c ^ 1]
        expect(networkOf(text([...prefix, ...one]))).toBe(networkOf(text([...prefix, ...other])))
        expect(networkOf(text([...prefix, ...one]))).not.toBe(networkOf(text([...changed, ...one])))
      }),
    )
  })
})

describe('a list of networks', () => {
  const matches = (list: string, address: string | undefined) => networkMatcher(parseNetworks(list) ?? [])(address)

  it.each([
    ['10.0.0.0/8', '10.255.0.1', true],
    ['10.0.0.0/8', '::ffff:10.1.2.3', true],
    ['10.0.0.0/8', '11.0.0.1', false],
    ['10.0.0.7', '10.0.0.7', true],
    ['10.0.0.7', '10.0.0.8', false],
    ['192.0.2.1, 2001:db8::/32', '2001:db8:ffff::1', true],
    ['192.0.2.1, 2001:db8::/32', '2001:db9::1', false],
    ['2001:db8::/32', '10.0.0.1', false],
    ['10.0.0.0/8', 'nonsense', false],
    ['10.0.0.0/8', undefined, false],
  ])('%s contains %s: %s', (list, address, expected) => {
    expect(matches(list, address)).toBe(expected)
  })

  it.each([
    '10.0.0.0/33',
    '10.0.0.0/0',
    '::/0',
    '2001:db8::/129',
    '10.1',
    'proxy.local',
    '10.0.0.1,',
    '1.2.3.4/8/8',
    '::ffff:10.0.0.0/104',
    ' ',
  ])('is refused when a part of it is invalid: %j', (list) => {
    expect(parseNetworks(list)).toBeUndefined()
  })
})
