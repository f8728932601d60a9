#!/usr/bin/env escript
%%! +sbwt none +sbwtdcpu none +sbwtdio none
%% The oracle: plays scripts of failures and requests on a real OTP supervision tree, and says what happened.
%%
%% One script per line on stdin, in the text form of scripts.ts; one line per script on stdout: what happened during each
%% operation, operations separated by `; `, what happened by `, `.
%%
%%     start <path>          a child has been started; a supervisor after all of its children
%%     start-failed <path>   its start function has returned an error
%%     stop <path>           its supervisor has terminated it
%%     exit <path> <reason>  a worker has ended by itself
%%     gave-up <path>        a supervisor has ended by itself, after stopping its children
%%     answer <what>         what a request came to
%%     which <id>=<up|down|restarting> ..
%%
%% Every decision is made by OTP's module supervisor, running in a gen_server as always. What is ours is a thin callback
%% module around it, which passes everything on and writes down what only the supervisor itself can know in time: whether it
%% ends by itself or is told to, and when it answers. With the argument `bare` the trees consist of supervisor:start_link/2
%% alone, and these lines are missing; the others must be the same (see tests/rings/otp.ts).
%%
%% What happens is written into a table by the process to which it happens, at that moment. The order is therefore the order
%% of causes, and does not depend on who is scheduled when; except for children of simple_one_for_one supervisors that are
%% stopped together: OTP leaves their order open, and scripts.ts sorts it.
-module(oracle).
-mode(compile).
-behaviour(gen_server).
-export([main/1]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2, terminate/2]).
-export([start_worker/1, start_supervisor/2, start_dynamic/3, work/2]).

-define(NOT_LONG_ENOUGH_TO_FORGET_A_RESTART_S, 3600).
-define(SCRIPT_MAY_TAKE_MS, 20000).

main(["release"]) -> io:put_chars(erlang:system_info(otp_release));
main(Args) ->
    %% Failures are what this is about; nobody needs to read reports about them.
    ok = logger:set_primary_config(level, none),
    ok = io:setopts([binary, {encoding, latin1}]),
    persistent_term:put(bare, lists:member("bare", Args)),
    each_line().

each_line() ->
    case io:get_line("") of
        eof -> ok;
        Line ->
            io:put_chars([play_alone(tokens(Line)), "\n"]),
            each_line()
    end.

%% ---- scripts ------------------------------------------------------------------------------------------------------

%% A script is the words of its tree, and the words of each operation.
tokens(Line) ->
    Words = string:lexemes(Line, [$\s, $\n]),
    split(Words, [], []).

split([], Operation, Operations) -> lists:reverse([lists:reverse(Operation) | Operations]);
split([<<";">> | Words], Operation, Operations) -> split(Words, [], [lists:reverse(Operation) | Operations]);
split([Word | Words], Operation, Operations) -> split(Words, [Word | Operation], Operations).

read_supervisor([Strategy, Intensity | Words]) ->
    {AutoShutdown, [<<"(">> | Words1]} =
        case Words of
            [<<"(">> | _] -> {never, Words};
            [Auto | Others] -> {binary_to_atom(Auto), Others}
        end,
    {Children, Words2} = read_children(Words1, []),
    Flags = #{strategy => binary_to_atom(Strategy),
              intensity => binary_to_integer(Intensity),
              period => ?NOT_LONG_ENOUGH_TO_FORGET_A_RESTART_S,
              auto_shutdown => AutoShutdown},
    {{Flags, Children}, Words2}.

read_children([<<")">> | Words], Children) -> {lists:reverse(Children), Words};
read_children(Words, Children) ->
    {Child, Words1} = read_child(Words),
    read_children(Words1, [Child | Children]).

%% {Id, restart type, whether it is significant, worker or the supervisor that it is}
read_child([Id, Restart | Words]) ->
    {Type, Significant} =
        case binary:split(Restart, <<"!">>) of
            [R, <<>>] -> {binary_to_atom(R), true};
            [R] -> {binary_to_atom(R), false}
        end,
    case Words of
        [Strategy | _] when Strategy =:= <<"one_for_one">>; Strategy =:= <<"one_for_all">>;
                            Strategy =:= <<"rest_for_one">>; Strategy =:= <<"simple_one_for_one">> ->
            {Supervisor, Words1} = read_supervisor(Words),
            {{Id, Type, Significant, Supervisor}, Words1};
        _ -> {{Id, Type, Significant, worker}, Words}
    end.

below(<<"top">>, Id) -> Id;
below(Path, Id) -> <<Path/binary, "/", Id/binary>>.

above(Path) ->
    case string:split(Path, "/", trailing) of
        [Above, _] -> Above;
        [_] -> <<"top">>
    end.

%% ---- playing ------------------------------------------------------------------------------------------------------

%% Each script has a process, and so a family, of its own.
play_alone([Tree | Operations]) ->
    {Supervisor, []} = read_supervisor(Tree),
    {Player, Monitor} = spawn_monitor(fun() -> exit({played, play(Supervisor, Operations)}) end),
    receive
        {'DOWN', Monitor, process, Player, {played, Text}} -> Text;
        {'DOWN', Monitor, process, Player, Reason} -> io_lib:format("broken: ~0p", [Reason])
    after ?SCRIPT_MAY_TAKE_MS ->
        exit(Player, kill),
        receive {'DOWN', Monitor, process, Player, _} -> "broken: never quiet" end
    end.

play(Supervisor, Operations) ->
    process_flag(trap_exit, true),
    %% happened: the log. known: {pid, Path}, {up, Path}, {fail, Path}, {during, Path}, player, asked.
    ets:new(happened, [named_table, public, ordered_set]),
    ets:new(known, [named_table, public]),
    ets:insert(known, [{player, self()}, {asked, 0}]),
    lists:join("; ", [lists:join(", ", Log) || Log <- play_each(Operations, Supervisor)]).

%% The script is over when the whole tree is.
play_each([], _) -> [];
play_each([Operation | Operations], Supervisor) ->
    IsAlive = play_one(Operation, Supervisor),
    %% Whoever was asked and ended before it came to that.
    [write("answer noproc") || _ <- lists:seq(1, known(asked))],
    ets:insert(known, {asked, 0}),
    Log = take_log(),
    case IsAlive of
        true -> [Log | play_each(Operations, Supervisor)];
        false -> [Log]
    end.

%% Whether the tree is still there.
play_one([<<"up">>], Supervisor) ->
    case start_supervisor(<<"top">>, Supervisor) of
        {ok, _} -> quiet();
        {error, _} -> false
    end;
play_one([<<"halt">>], _) ->
    Top = pid_of(<<"top">>),
    exit(Top, shutdown),
    receive {'EXIT', Top, _} -> false end;
play_one([<<"fail">>, Path, Times], _) ->
    ets:insert(known, {{fail, Path}, binary_to_integer(Times)}),
    true;
play_one([<<"during">>, Path | Operation], _) ->
    Planned = known({during, Path}, []),
    ets:insert(known, {{during, Path}, Planned ++ [Operation]}),
    true;
play_one([<<"exit">>, Path, Reason], _) ->
    make_exit(Path, Reason),
    quiet();
play_one([<<"which">>, At], _) ->
    case is_alive(At) of
        true -> write(which(pid_of(At)));
        false -> write("answer noproc")
    end,
    quiet();
play_one([_, At | _] = Request, _) ->
    case is_alive(At) of
        true -> post(Request);
        false -> write("answer noproc")
    end,
    quiet().

%% Makes a worker exit, and waits until it is gone. Whether there was one.
make_exit(Path, Reason) ->
    Pid = pid_of(Path),
    case is_alive(Path) of
        true ->
            Monitor = monitor(process, Pid),
            Pid ! {exit, Reason},
            receive {'DOWN', Monitor, process, Pid, _} -> true end;
        false -> false
    end.

%% Puts a request into the mailbox of a supervisor, as gen_server:call does.
post([_, At | _] = Request) ->
    Asked = case persistent_term:get(bare) of
                true -> otp_request(request(Request));
                false -> {asked, request(Request)}
            end,
    ets:update_counter(known, asked, 1),
    pid_of(At) ! {'$gen_call', {known(player), make_ref()}, Asked}.

request([<<"start">>, _, Key]) -> {start_child, [Key]};
request([<<"start">>, At | Child]) ->
    {Spec, []} = read_child(Child),
    {start_child, child_spec(At, Spec)};
request([<<"terminate">>, At, Id]) ->
    case known({dynamic, At}, false) of
        true -> {terminate_dynamic, below(At, Id)};
        false -> {terminate_child, Id}
    end;
request([<<"restart">>, _, Id]) -> {restart_child, Id};
request([<<"delete">>, _, Id]) -> {delete_child, Id}.

%% OTP knows the children of a simple_one_for_one supervisor by their pid. Whoever was never started has the pid of a stranger.
otp_request({terminate_dynamic, Path}) -> {terminate_child, pid_of(Path, known(player))};
otp_request(Request) -> Request.

known(Key) -> ets:lookup_element(known, Key, 2).
known(Key, Otherwise) ->
    case ets:lookup(known, Key) of
        [{_, Value}] -> Value;
        [] -> Otherwise
    end.

pid_of(Path) -> pid_of(Path, undefined).
pid_of(Path, Otherwise) -> known({pid, Path}, Otherwise).
is_alive(Path) ->
    Pid = pid_of(Path),
    is_pid(Pid) andalso is_process_alive(Pid).

%% ---- waiting until it is quiet --------------------------------------------------------------------------------------

%% Quiet is a tree in which nobody waits for a restart and no supervisor still believes in a child that is dead, and which
%% looks the same when asked twice. Asking is a barrier for what a supervisor has sent to itself, and waits until it has
%% finished what it is doing; a death that it has not heard of shows as a dead child. Whether the tree is there at all.
quiet() -> quiet(none).

quiet(Before) ->
    Top = pid_of(<<"top">>),
    receive
        {'EXIT', Top, _} -> false
    after 0 ->
        case look(Top) of
            {ok, Before} -> true;
            {ok, Now} -> quiet(Now);
            restless ->
                receive after 1 -> ok end,
                quiet(none)
        end
    end.

look(Top) ->
    try {ok, {ets:info(happened, size), look_at(Top)}}
    catch
        throw:restless -> restless;
        %% A supervisor that has just ended.
        exit:_ -> restless
    end.

look_at(Supervisor) ->
    [look_at_child(Child) || Child <- supervisor:which_children(Supervisor)].

look_at_child({_, restarting, _, _}) -> throw(restless);
look_at_child({Id, undefined, _, _}) -> {Id, down};
look_at_child({Id, Pid, Type, _}) ->
    case is_process_alive(Pid) of
        false -> throw(restless);
        true when Type =:= worker -> {Id, Pid};
        true -> {Id, Pid, look_at(Pid)}
    end.

%% The children in the order of their start, those of a simple_one_for_one supervisor by their key.
which(Supervisor) ->
    Children = [{case Id of undefined -> key_of(Child); _ -> Id end, Child}
                || {Id, Child, _, _} <- lists:reverse(supervisor:which_children(Supervisor))],
    Sorted = case [Id || {Id, _} <- Children, is_integer(Id)] of
                 [] -> Children;
                 _ -> lists:sort(Children)
             end,
    ["which" | [[" ", id_text(Id), "=", phase(Child)] || {Id, Child} <- Sorted]].

key_of(Pid) ->
    [Path] = [Path || {{pid, Path}, Known} <- ets:tab2list(known), Known =:= Pid],
    binary_to_integer(lists:last(string:split(Path, "/", all))).

id_text(Id) when is_integer(Id) -> integer_to_list(Id);
id_text(Id) -> Id.

phase(undefined) -> "down";
phase(restarting) -> "restarting";
phase(_) -> "up".

%% ---- the log --------------------------------------------------------------------------------------------------------

write(Text) ->
    ets:insert(happened, {erlang:unique_integer([monotonic]), Text}),
    ok.

take_log() ->
    Log = [Text || {_, Text} <- ets:tab2list(happened)],
    ets:delete_all_objects(happened),
    Log.

%% ---- supervisors ----------------------------------------------------------------------------------------------------

%% The start function of a supervisor; runs in the process of the supervisor above.
start_supervisor(Path, Supervisor) ->
    ets:insert(known, {{up, Path}, false}),
    Started =
        case persistent_term:get(bare) of
            true -> supervisor:start_link(?MODULE, {specs, Path, Supervisor});
            false -> gen_server:start_link(?MODULE, {supervisor, Path, Supervisor}, [])
        end,
    case Started of
        {ok, _} ->
            ets:insert(known, {{up, Path}, true}),
            write(["start ", Path]);
        {error, _} -> write(["start-failed ", Path])
    end,
    Started.

%% For our gen_server: what OTP's supervisor does in this place.
init({supervisor, Path, Supervisor}) ->
    put(path, Path),
    supervisor:init({self, ?MODULE, {specs, Path, Supervisor}});
%% For OTP's supervisor: its flags and children.
init({specs, Path, {Flags, Children}}) ->
    ets:insert(known, {{pid, Path}, self()}),
    case Flags of
        #{strategy := simple_one_for_one} ->
            ets:insert(known, {{dynamic, Path}, true}),
            [{_, _, _, Kind} = Template] = Children,
            Spec = child_spec(Path, Template),
            {ok, {Flags, [Spec#{start := {?MODULE, start_dynamic, [Path, Kind]}}]}};
        _ -> {ok, {Flags, [child_spec(Path, Child) || Child <- Children]}}
    end.

child_spec(At, {Id, Restart, Significant, Kind}) ->
    Path = below(At, Id),
    Common = #{id => Id, restart => Restart, significant => Significant},
    case Kind of
        worker -> Common#{start => {?MODULE, start_worker, [Path]}, shutdown => 5000};
        _ -> Common#{start => {?MODULE, start_supervisor, [Path, Kind]}, type => supervisor}
    end.

handle_call({asked, Request}, From, State) ->
    {reply, Reply, State1} = supervisor:handle_call(otp_request(Request), From, State),
    write(["answer ", answer(Request, Reply, count(State) - count(State1))]),
    ets:update_counter(known, asked, -1),
    {reply, Reply, State1};
handle_call(Request, From, State) -> supervisor:handle_call(Request, From, State).

count(State) ->
    {reply, Children, _} = supervisor:handle_call(which_children, undefined, State),
    length(Children).

%% OTP's ok to terminating a pid includes every pid that is dead; our children have an id, which is found or not.
answer({terminate_dynamic, _}, ok, 0) -> "not_found";
answer(_, Reply, _) -> answer(Reply).

answer(ok) -> "ok";
answer({ok, _}) -> "ok";
answer({error, {already_started, _}}) -> "already_started";
answer({error, Reason}) when Reason =:= running; Reason =:= restarting; Reason =:= not_found;
                             Reason =:= already_present; Reason =:= simple_one_for_one ->
    atom_to_list(Reason);
%% The child's start function has returned an error; OTP passes it on.
answer({error, planned}) -> "failed";
answer({error, {planned, _}}) -> "failed";
answer({error, {{shutdown, _}, _}}) -> "failed";
answer({error, {shutdown, _}}) -> "failed".

handle_cast(Message, State) -> noting_end(supervisor:handle_cast(Message, State)).
handle_info(Message, State) -> noting_end(supervisor:handle_info(Message, State)).

noting_end({stop, _, _} = Stop) ->
    put(gives_up, true),
    Stop;
noting_end(GoesOn) -> GoesOn.

terminate(Reason, State) ->
    supervisor:terminate(Reason, State),
    case get(gives_up) of
        true -> write(["gave-up ", get(path)]);
        undefined -> write(["stop ", get(path)])
    end.

%% ---- workers --------------------------------------------------------------------------------------------------------

start_dynamic(At, worker, Key) -> start_worker(below(At, Key));
start_dynamic(At, Supervisor, Key) -> start_supervisor(below(At, Key), Supervisor).

%% The start function of a worker; runs in the process of its supervisor.
start_worker(Path) ->
    meanwhile(Path),
    case known({fail, Path}, 0) of
        0 ->
            Pid = spawn_link(?MODULE, work, [Path, self()]),
            receive {Pid, ready} -> ok end,
            ets:insert(known, {{pid, Path}, Pid}),
            write(["start ", Path]),
            {ok, Pid};
        Times ->
            ets:insert(known, {{fail, Path}, Times - 1}),
            write(["start-failed ", Path]),
            {error, planned}
    end.

work(Path, Supervisor) ->
    process_flag(trap_exit, true),
    Supervisor ! {self(), ready},
    receive
        {exit, Reason} ->
            write(["exit ", Path, " ", Reason]),
            exit(binary_to_atom(Reason));
        {'EXIT', Supervisor, Reason} ->
            write(["stop ", Path]),
            exit(Reason)
    end.

%% What was planned to happen while this child is being started, and its supervisor therefore does not listen. Not while the
%% supervisor itself is being started: then the one above goes on at the same time, and anything could come first.
meanwhile(Path) ->
    At = above(Path),
    case known({up, At}) andalso known({during, Path}, []) of
        false -> ok;
        Planned ->
            ets:delete(known, {during, Path}),
            [meanwhile(Operation, At) || Operation <- Planned],
            ok
    end.

meanwhile([<<"exit">>, Other, Reason], _) ->
    Pid = pid_of(Other),
    make_exit(Other, Reason) andalso await_signal(Pid);
%% The supervisor above is told to terminate this one.
meanwhile([<<"stop">>], At) ->
    Above = pid_of(above(At)),
    Id = lists:last(string:split(At, "/", all)),
    post([<<"terminate">>, above(At), Id]),
    await_signal(Above);
meanwhile(Request, _) -> post(Request).

%% Until the exit signal of that process is in the mailbox of this one.
await_signal(Pid) ->
    {messages, Messages} = process_info(self(), messages),
    case lists:any(fun({'EXIT', From, _}) -> From =:= Pid; (_) -> false end, Messages) of
        true -> ok;
        false ->
            receive after 0 -> ok end,
            await_signal(Pid)
    end.
