// npm's radius. Signs when told to; checks the Response Authenticator and a Message-Authenticator that comes.
// Arguments: KIND HOST PORT SECRET SOURCE SIGNED MAC SESSION. Says `reply=NAME` and what it understood.
'use strict';
const dgram = require('dgram');
const radius = require('radius');

const [kind, host, port, secret, source, signed, mac, session] = process.argv.slice(2);
const name = mac.replace(/-/g, '').toLowerCase();
const attributes = [
  ['User-Name', name],
  ['Calling-Station-Id', mac],
  ['NAS-Identifier', 'node'],
  ['NAS-Port', 7],
  ['NAS-Port-Type', 'Ethernet'],
];
if (kind === 'login') {
  attributes.push(['User-Password', name], ['Service-Type', 'Call-Check']);
} else {
  attributes.push(['Acct-Status-Type', 'Start'], ['Acct-Session-Id', session]);
}
const request = radius.encode({
  code: kind === 'login' ? 'Access-Request' : 'Accounting-Request',
  secret,
  attributes,
  add_message_authenticator: kind === 'login' && signed === 'signed',
});

const socket = dgram.createSocket('udp4');
const patience = setTimeout(() => {
  console.log('reply=none why=timeout');
  socket.close();
}, 1000 * Number(process.env.PATIENCE_S));
socket.on('message', (octets) => {
  clearTimeout(patience);
  socket.close();
  if (!radius.verify_response({ request, response: octets, secret })) {
    console.log('reply=none why=authenticator');
    return;
  }
  const reply = radius.decode({ packet: octets, secret });
  console.log(`reply=${reply.code}`);
  const vlan = reply.attributes['Tunnel-Private-Group-Id'];
  if (vlan !== undefined) {
    console.log(`vlan=${Array.isArray(vlan) ? vlan[vlan.length - 1] : vlan}`);
  }
  if (reply.attributes['Session-Timeout'] !== undefined) {
    console.log(`session_timeout=${reply.attributes['Session-Timeout']}`);
  }
  if (signed === 'signed' && kind === 'login') { // verify_response wants one only then
    console.log('message_authenticator=checked');
  }
});
socket.bind(0, source, () => socket.send(request, Number(port), host));
