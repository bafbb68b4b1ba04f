# Perl's Authen::Radius. Signs when told to; checks the Response Authenticator and a Message-Authenticator that comes.
# Arguments: KIND HOST PORT SECRET SOURCE SIGNED MAC SESSION. Says `reply=NAME` and what it understood.
use strict;
use warnings;
use Authen::Radius;
use File::Basename;

my ($kind, $host, $port, $secret, $source, $signed, $mac, $session) = @ARGV;
my %names = (2 => 'Access-Accept', 3 => 'Access-Reject', 5 => 'Accounting-Response');

Authen::Radius->load_dictionary(dirname(__FILE__) . '/dictionary');
my $radius = Authen::Radius->new(
    Host => "$host:$port",
    Secret => $secret,
    LocalAddr => $source,
    TimeOut => $ENV{PATIENCE_S},
    Rfc3579MessageAuth => $signed eq 'signed',
) or die 'no client: ' . Authen::Radius::get_error();

(my $name = lc $mac) =~ s/-//g;
$radius->add_attributes(
    { Name => 'User-Name', Value => $name },
    { Name => 'Calling-Station-Id', Value => $mac },
    { Name => 'NAS-Identifier', Value => 'perl' },
    { Name => 'NAS-Port', Value => 7 },
);
if ($kind eq 'login') {
    $radius->add_attributes(
        { Name => 'User-Password', Value => $name },
        { Name => 'Service-Type', Value => 'Call-Check' },
    );
    $radius->send_packet(ACCESS_REQUEST);
} else {
    $radius->add_attributes(
        { Name => 'Acct-Status-Type', Value => 'Start' },
        { Name => 'Acct-Session-Id', Value => $session },
    );
    $radius->send_packet(ACCOUNTING_REQUEST);
}
my $code = $radius->recv_packet(1);
unless ($code) {
    print 'reply=none why=', $radius->get_error(), "\n";
    exit 0;
}
print "reply=$names{$code}\n";
for my $attribute ($radius->get_attributes()) {
    print "vlan=$attribute->{Value}\n" if $attribute->{Code} == 81;
    print "session_timeout=$attribute->{Value}\n" if $attribute->{Code} == 27;
    print "message_authenticator=checked\n" if $attribute->{Code} == 80;
}
