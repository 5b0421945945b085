/**
 * What `yoke help` prints; at most 80 columns.
 */

export const helpText = (): string => `yoke: a pair of gateways that behave as one

usage: yoke COMMAND [FLAGS]

  run                        run this node in the foreground; SIGTERM hands over
                             and stops, SIGHUP reads the configuration again
  status [--json] [--watch]  what the node knows: state, VIPs, links, alerts
  maintenance enter|leave    hand the VIPs to the peer and leave them there,
                             restarts included; without a peer it goes on
  handover                   give the VIPs to the peer now; failback may follow
  reload                     read the configuration again, as SIGHUP does
  events [--follow] [--json] what happened and why
  config check               check the configuration, with line numbers
  config schema node|cluster JSON Schema of node.yaml or cluster.yaml
  config show [N]            what stands, or revision N; --effective: what this
                             node makes of it; --secrets shows them, too
  config history             every revision: when, who, why
  config diff [N [M] | peer] what N changed; from N to M; what the peer has
  config plan [FILE]         what a changed cluster.yaml would change here
  config apply [FILE]        take it over on both nodes, or on neither
       --message TEXT        for the history
       --confirm 60s         go back unless config confirm comes in time
       --here                in an emergency on the secondary alone
  config confirm             what is on trial stands
  config rollback N          take revision N again, as a new one
  config resolve --keep here|peer   nodes that diverged: whose is right
  config export [FILE]       cluster.yaml with all secrets
  backup FILE, restore FILE  the node in one file under a passphrase
  agent run                  keep the configuration; run starts this by itself
  gateways [--json]          ways out: state, loss, latency; which are in use
  flows show [WORDS]         the connections of this node with all these words,
                             those with the most bytes first; --rate: those
                             through which most passes just now
  flows status|resync        their replication; tell the peer everything anew
  flows compare [N] [--json] what differs in both nodes' kernels, N examples of
                             each kind; 1 if established connections differ
  flows run                  replicate them; run starts this by itself
  pair                       on the primary: make the pair's secret, show its
                             code once; on the secondary: ask for the code
  pair create|-|CODE         make it; ask for the code; take this code, which
                             others may see. --new replaces another secret
  pair --file FILE           take the secret from a copy of its file
  help                       this page

flags:
  --config DIR               configuration, default /etc/yoke
  --runtime DIR              socket of the running node, default /run/yoke
  --state DIR                what must survive a restart, default /var/lib/yoke
  --version

exit codes: 0 done; 1 refused or failed, with the reason; 2 wrong usage`;
