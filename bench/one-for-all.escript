#!/usr/bin/env escript
%%! +sbwt none +sbwtdcpu none +sbwtdio none
%% OTP's own supervisor, doing what bench/one-for-all.ts measures of ours: a one-for-all supervisor of so many gen_servers, of
%% which one in the middle is killed. Prints one line: the milliseconds of the first start, then those of each restart, from
%% the kill until the last child says that it is up.
%%
%%     escript one-for-all.escript <children> <rounds>
-module('one-for-all').
-mode(compile).
-behaviour(gen_server).
-export([main/1, init/1, start_child/2, handle_call/3, handle_cast/2]).

main([Children, Rounds]) ->
    ok = logger:set_primary_config(level, none),
    %% The supervisor is linked to whoever starts it, and need not be outlived.
    measure(list_to_integer(Children), list_to_integer(Rounds)).

measure(Children, Rounds) ->
    StartedAt = erlang:monotonic_time(),
    {ok, Supervisor} = supervisor:start_link(?MODULE, {supervisor, self(), Children}),
    Pids = collect(Children),
    Start = since(StartedAt),
    Restarts = restart(Rounds, Children, Pids, []),
    true = lists:keyfind(active, 1, supervisor:count_children(Supervisor)) =:= {active, Children},
    io:put_chars([lists:join(" ", [io_lib:format("~.3f", [Ms]) || Ms <- [Start | Restarts]]), "\n"]).

restart(0, _, _, Restarts) -> lists:reverse(Restarts);
restart(Rounds, Children, Pids, Restarts) ->
    Victim = lists:nth(Children div 2 + 1, Pids),
    StartedAt = erlang:monotonic_time(),
    exit(Victim, kill),
    Fresh = collect(Children),
    restart(Rounds - 1, Children, Fresh, [since(StartedAt) | Restarts]).

%% Every child says that it is up, in the order of the starts.
collect(Children) -> [receive {up, Pid} -> Pid end || _ <- lists:seq(1, Children)].

since(StartedAt) ->
    erlang:convert_time_unit(erlang:monotonic_time() - StartedAt, native, nanosecond) / 1.0e6.

%% ---- the supervisor and its children ------------------------------------------------------------------------------

init({supervisor, Reports, Children}) ->
    Specs = [#{id => Id, start => {?MODULE, start_child, [Reports, Id]}} || Id <- lists:seq(1, Children)],
    {ok, {#{strategy => one_for_all, intensity => 1000000, period => 3600}, Specs}};
init({child, Reports, Id}) ->
    Reports ! {up, self()},
    {ok, #{id => Id, count => 0}}.

start_child(Reports, Id) -> gen_server:start_link(?MODULE, {child, Reports, Id}, []).

handle_call(count, _, State = #{count := Count}) -> {reply, Count, State}.

handle_cast({increment, By}, State = #{count := Count}) -> {noreply, State#{count := Count + By}}.
